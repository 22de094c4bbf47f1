/** What a command looked at is not as it should be. The command has said everything: only the exit code is left. */
export class Failed extends Error {
  override readonly name = 'Failed';
}
