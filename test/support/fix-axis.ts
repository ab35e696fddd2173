import { readFile, writeFile } from 'node:fs/promises'

/**
 * Makes a free axis of an ONNX graph a fixed one, as some exports have it: in the protobuf, each dimension that is called `name`
 * becomes the number `size` (below 128), its length kept by a denotation, which has no meaning to the graph.
 */
export async function fixAxis(file: string, name: string, size: number): Promise<void> {
  const called = Buffer.concat([Buffer.of(0x12, name.length), Buffer.from(name)])
  const denotation = 'x'.repeat(called.length - 4)
  const fixed = Buffer.concat([Buffer.of(0x08, size, 0x1a, denotation.length), Buffer.from(denotation)])
  const bytes = await readFile(file)
  let at = bytes.indexOf(called)
  if (at < 0) throw new Error(`${file} has no axis ${name}`)
  for (; at >= 0; at = bytes.indexOf(called, at)) fixed.copy(bytes, at)
  await writeFile(file, bytes)
}
