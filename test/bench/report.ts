import { cpus } from 'node:os'

/** Without a goal it is told and not judged. */
export type Ratio = { name: string; value: number; goal?: number; direction: 'min' | 'max' }
export type Report = { machine: Record<string, unknown>; ratios: Ratio[]; figures: Record<string, unknown> }

/** What a part of the bench finds. */
export type Measured = Pick<Report, 'ratios' | 'figures'>

export function machine(): Report['machine'] {
  return { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, platform: `${process.platform}-${process.arch}` }
}

export function isMet({ value, goal, direction }: Ratio): boolean {
  if (goal === undefined) return true
  return direction === 'min' ? value >= goal : value <= goal
}

/** The report as a person reads it. */
export function printReport({ machine, ratios, figures }: Report): void {
  console.log(`\n${Object.values(machine).join(' · ')}\n`)
  const width = Math.max(...ratios.map(({ name }) => name.length))
  for (const ratio of ratios)
    console.log(`${ratio.name.padEnd(width)}  ${ratio.value.toFixed(3).padStart(9)}  ${verdictOf(ratio)}`)
  console.log('\nfigures of this run (this machine, this hour: compare only within one run)')
  for (const [name, value] of Object.entries(figures)) console.log(`  ${name}: ${JSON.stringify(value)}`)
}

function verdictOf(ratio: Ratio): string {
  if (ratio.goal === undefined) return 'no goal'
  const goal = `${ratio.direction === 'min' ? '≥' : '≤'} ${ratio.goal}`
  return `goal ${goal.padEnd(8)} ${isMet(ratio) ? 'met' : 'MISSED'}`
}
