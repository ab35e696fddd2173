import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ENOUGH } from '../../../services/cli/model/check-agreement.ts'
import type { Agreement } from '../../../services/cli/model/compare-decisions.ts'
import { makeQuantised } from '../../../services/cli/model/make-quantised.ts'
import { type Trial, tryQuantised } from '../../../services/cli/model/try-quantised.ts'
import { readConfig } from '../../../services/core/infra/config.ts'
import { foldConstants } from '../../../services/worker/clip/graph/fold-constants.ts'
import { type OnnxModel, parseOnnx, serialiseOnnx } from '../../../services/worker/clip/graph/onnx-model.ts'
import { quantise } from '../../../services/worker/clip/graph/quantise.ts'
import { type Model, openModel } from '../../../services/worker/clip/open-model.ts'
import { copyTinyModel } from '../../support/parity.ts'
import type { Measured, Ratio } from '../report.ts'
import { quantiseConvolutions } from './quantise-convolutions.ts'

const config = readConfig({ PIXWARDEN_DECODERS: '1' })
const products = (model: OnnxModel) => quantise(model).model

/**
 * int8 against fp32 on the sample photos and what is made of them and drawn, by the shipped policies. The embedded model has the only trained weights at hand: its
 * image side is convolutions with two products behind them, a few thousandths of the work, and its text side a transformer. What `model quantise` makes has the
 * goals; the rest is told, for it shows what convolutions and a transformer would lose.
 */
export async function benchInt8(dir: string): Promise<Measured> {
  const home = path.join(dir, 'int8')
  await mkdir(home)
  const embedded = await openModel('embedded')
  const made = path.join(home, 'made')
  await makeQuantised(embedded, made)
  const trials: Record<string, Trial> = {
    [MADE]: await tryQuantised(embedded, made, config),
    'image side, with its convolutions': await tryEdited(embedded, 'vision', home, (model) =>
      quantiseConvolutions(products(model)),
    ),
    [TEXT]: await tryEdited(embedded, 'text', home, products),
  }
  const agreements = Object.entries(trials).map(([name, { agreement }]) => [name, told(agreement)])
  return {
    ratios: Object.entries(trials).flatMap(([name, trial]) => ratiosOf(name, trial)),
    figures: { ...Object.fromEntries(agreements), fixtures: await cosinesOfFixtures(home) },
  }
}

const MADE = 'image side, its two products, as the command makes it'
const TEXT = 'text side'

function told({ pictures, sameActionBy, apart, cosine }: Agreement) {
  return { pictures, sameActionBy, apart, cosine }
}

async function tryEdited(
  model: Model,
  side: 'vision' | 'text',
  home: string,
  edit: (model: OnnxModel) => OnnxModel,
): Promise<Trial> {
  // Policies call a model by its folder's name.
  const dir = path.join(home, side, model.id)
  await cp(model.dir, dir, { recursive: true })
  const graph = path.join(dir, 'onnx', `${side}_model.onnx`)
  const folded = `${graph}.folded`
  await foldConstants(graph, folded)
  await writeFile(graph, serialiseOnnx(edit(parseOnnx(await readFile(folded)))))
  await rm(folded)
  return tryQuantised(model, dir, config)
}

/** Of random weights no decision means anything. */
async function cosinesOfFixtures(home: string): Promise<Record<string, Agreement['cosine']>> {
  const cosines: Record<string, Agreement['cosine']> = {}
  for (const name of ['tiny-clip', 'tiny-siglip'] as const) {
    const model = await openModel(await copyTinyModel(name, path.join(home, name)))
    const made = path.join(home, `${name}-made`)
    await makeQuantised(model, made)
    cosines[name] = (await tryQuantised(model, made, config)).agreement.cosine
  }
  return cosines
}

function ratiosOf(name: string, { agreement: { sameAction, apart }, timesAsFast }: Trial): Ratio[] {
  const goals = name === MADE ? ENOUGH : undefined
  const title = (what: string) => `int8 against fp32, ${name}: ${what}`
  const rows: Ratio[] = [
    {
      name: title('pictures with the same action'),
      value: sameAction,
      direction: 'min',
      ...(goals && { goal: goals.sameAction }),
    },
    { name: title('|score difference| p95'), value: apart.p95, direction: 'max', ...(goals && { goal: goals.scoresApart }) },
  ]
  // Speed is measured of the image side.
  if (name === TEXT) return rows
  return [...rows, { name: title('times as fast'), value: timesAsFast, direction: 'min' }]
}
