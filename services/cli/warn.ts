/** A note for whoever runs the command; stdout is for its results. */
export function warn(text: string): void {
  process.stderr.write(`${text}\n`)
}
