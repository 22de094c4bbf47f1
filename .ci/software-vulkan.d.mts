export function softwareVulkan(env?: NodeJS.ProcessEnv): Promise<Record<string, string>>;
