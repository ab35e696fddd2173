/** Writes to stdout, and waits while its reader is slow. Throws the stream's error, EPIPE when the reader went away as `head` does. */
export async function writeOutput(text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
  })
}
