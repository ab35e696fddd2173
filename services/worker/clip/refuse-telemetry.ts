/** The runtime reports its use to its maker over the network unless this is set in the process's own environment, before it is loaded. */
export function refuseTelemetry(): void {
  // biome-ignore lint/style/noProcessEnv: written, not read, for native code that takes it from nowhere else
  process.env.ORT_DISABLE_TELEMETRY = '1'
}
