import path from 'node:path'
import { dot } from '../../core/domain/vector.ts'
import type { Model } from '../../worker/clip/open-model.ts'
import type { Check } from './check.ts'
import { type Encoders, exactView, SAMPLES } from './encode.ts'

/** What the sample photos show, in words that no policy has a part in. */
const CAPTIONS = {
  'cat.jpg': 'a photo of a cat',
  'coffee.jpg': 'a photo of a cup of coffee',
  'rocket.jpg': 'a photo of a rocket launch',
  'astronaut.jpg': 'a photo of an astronaut',
  'hubble.jpg': 'a photo of stars and galaxies',
  'portrait.jpg': 'a portrait of a woman in uniform',
  'temple.jpg': 'a photo of a Chinese temple',
  'flower.jpg': 'a photo of a flower',
}

/** Of eight: by chance one model in 12,000 would do as well. The embedded one finds seven. */
const ENOUGH = 6

/** Quantising as a graph runs goes by the largest values of the whole batch, so that neighbours matter a little. */
const SAME = { whole: 0.9999, quantised: 0.98 }

/** exp(4.6) is CLIP's 100: what looks like that exponent is one. */
const SCALES = { least: 6, most: 1000 }

/** What is known of the model from elsewhere. */
export type Expected = { embeddingSize: number | undefined; imageSize: number | undefined }

type Embedded = { alone: Float32Array[]; together: Float32Array[] }

/** Runs a model on the sample photos and their captions, and looks at what any model must do. Throws AppError `invalid-model` or `model-failed`. */
export async function checkBehaviour(model: Model, encoders: Encoders, expected: Expected): Promise<Check[]> {
  const views = await Promise.all(Object.keys(CAPTIONS).map((name) => exactView(model, path.join(SAMPLES, name))))
  const images = await aloneAndTogether(views, encoders.images)
  const texts = await aloneAndTogether(Object.values(CAPTIONS), encoders.texts)
  const [again] = await encoders.images(views.slice(0, 1))
  return [
    checkShapes(expected, images, texts),
    checkPictureSize(expected, model),
    checkSame('repeatable', [images.alone[0]], [again], 0.999999),
    checkSame('pictures alone and in a batch', images.alone, images.together, toleranceFor(model.visionFile)),
    checkSame('texts alone and in a batch', texts.alone, texts.together, toleranceFor(model.text.file)),
    checkDistinct(images.alone, texts.alone),
    checkScale(model),
    checkCaptions(images.alone, texts.alone),
  ]
}

/** Asked all at once, since the text side is put away when nobody asks; each still runs by itself. */
async function aloneAndTogether<T>(inputs: T[], embed: (inputs: T[]) => Promise<Float32Array[]>): Promise<Embedded> {
  const [together, ...alone] = await Promise.all([embed(inputs), ...inputs.map((input) => embed([input]))])
  return { alone: alone.flat(), together }
}

function checkShapes({ embeddingSize }: Expected, images: Embedded, texts: Embedded): Check {
  const all = [...images.alone, ...texts.alone]
  const lengths = [...new Set(all.map(({ length }) => length))]
  const unit = all.every((each) => Math.abs(Math.hypot(...each) - 1) < 1e-4)
  const other = embeddingSize !== undefined && lengths[0] !== embeddingSize
  return {
    check: 'vectors',
    ok: lengths.length === 1 && unit && !other,
    detail: `${lengths.join(' and ')} values${unit ? ', of length 1' : ', not of length 1: zero, infinite or no numbers'}${other ? `, but ${embeddingSize} are expected` : ''}`,
  }
}

function checkPictureSize({ imageSize }: Expected, { preprocessing: { width, height } }: Model): Check {
  const ok = imageSize === undefined || (width === imageSize && height === imageSize)
  return { check: 'pictures', ok, detail: `${width} × ${height} pixels${ok ? '' : `, but ${imageSize} are expected`}` }
}

function checkSame(check: string, some: (Float32Array | undefined)[], same: (Float32Array | undefined)[], least: number): Check {
  const cosines = some.map((each, index) => dot(each ?? new Float32Array(), same[index] ?? new Float32Array()))
  const lowest = Math.min(...cosines)
  return { check, ok: lowest >= least, detail: `cosine ${lowest.toFixed(6)}, at least ${least}` }
}

function toleranceFor(file: string): number {
  return /_(q\w*|u?int8|bnb4)\.onnx$/.test(file) ? SAME.quantised : SAME.whole
}

/** A graph that is cut off from its input gives every picture the same vector. */
function checkDistinct(images: Float32Array[], texts: Float32Array[]): Check {
  const nearest = Math.max(closestPair(images), closestPair(texts))
  return {
    check: 'different inputs differ',
    ok: nearest < 0.999,
    detail: `cosine of the two most alike ${nearest.toFixed(4)}, below 0.999`,
  }
}

function closestPair(vectors: Float32Array[]): number {
  return Math.max(...vectors.flatMap((one, index) => vectors.slice(index + 1).map((other) => dot(one, other))))
}

function checkScale({ scoring: { logitScale, logitBias } }: Model): Check {
  const ok = logitScale >= SCALES.least && logitScale <= SCALES.most
  const bias = logitBias === undefined ? '' : `, bias ${logitBias}`
  const hint = logitScale < SCALES.least ? `: is that its logarithm? exp is ${Math.exp(logitScale).toFixed(1)}` : ''
  return { check: 'logit scale', ok, detail: `${logitScale}${bias}, between ${SCALES.least} and ${SCALES.most}${ok ? '' : hint}` }
}

function checkCaptions(images: Float32Array[], texts: Float32Array[]): Check {
  const names = Object.keys(CAPTIONS)
  const missed = names.filter((_, index) => {
    const cosines = texts.map((text) => dot(images[index] as Float32Array, text))
    return !(cosines[index] === Math.max(...cosines))
  })
  const found = names.length - missed.length
  return {
    check: 'photos find their captions',
    ok: found >= ENOUGH,
    detail: `${found} of ${names.length}, at least ${ENOUGH}${missed.length > 0 ? `; not ${missed.join(', ')}` : ''}`,
  }
}
