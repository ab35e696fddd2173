/** What may run a model, by the runtime's names; which of them there are depends on the platform and on how the runtime was installed. */
export const EXECUTION_PROVIDERS = ['cpu', 'cuda', 'tensorrt', 'webgpu', 'dml', 'coreml'] as const
export type ExecutionProvider = (typeof EXECUTION_PROVIDERS)[number]

/** Told when a model begins to run on a provider, and which better ones could not be had, and why. */
export type ProviderNotice = { provider: ExecutionProvider; failed: { provider: ExecutionProvider; message: string }[] }
