export type DiffLine = { kind: 'same' | 'added' | 'removed'; text: string }
export type DiffPart = { kind: 'lines'; lines: DiffLine[] } | { kind: 'left-out'; count: number }

/** How `before` becomes `after`, by a longest common subsequence: time and room are the product of their lengths, which are a policy's. */
export function diffLines(before: string[], after: string[]): DiffLine[] {
  const common = commonLengths(before, after)
  const lines: DiffLine[] = []
  let [i, j] = [0, 0]
  while (i < before.length || j < after.length) {
    const [was, is] = [before[i], after[j]]
    if (was !== undefined && was === is) {
      lines.push({ kind: 'same', text: was })
      i++
      j++
    } else if (is === undefined || (was !== undefined && at(common, i + 1, j) >= at(common, i, j + 1))) {
      lines.push({ kind: 'removed', text: was ?? '' })
      i++
    } else {
      lines.push({ kind: 'added', text: is })
      j++
    }
  }
  return lines
}

/** Leaves out what did not change, except `context` lines around what did. */
export function withContext(lines: DiffLine[], context = 2): DiffPart[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - context), index + context + 1).some(({ kind }) => kind !== 'same'),
  )
  const parts: DiffPart[] = []
  lines.forEach((line, index) => {
    const last = parts.at(-1)
    if (near[index]) {
      if (last?.kind === 'lines') last.lines.push(line)
      else parts.push({ kind: 'lines', lines: [line] })
    } else if (last?.kind === 'left-out') last.count++
    else parts.push({ kind: 'left-out', count: 1 })
  })
  return parts
}

/** `[i][j]`: how long the longest common subsequence of the lines from `i` and from `j` is. */
function commonLengths(before: string[], after: string[]): number[][] {
  const lengths = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0))
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--) {
      const row = lengths[i] as number[]
      row[j] = before[i] === after[j] ? at(lengths, i + 1, j + 1) + 1 : Math.max(at(lengths, i + 1, j), at(lengths, i, j + 1))
    }
  return lengths
}

function at(lengths: number[][], i: number, j: number): number {
  return lengths[i]?.[j] ?? 0
}
