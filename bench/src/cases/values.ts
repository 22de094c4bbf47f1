/** A case's operands by name, as an engine has them. */
export type Values<T> = Readonly<Record<string, T>>;
