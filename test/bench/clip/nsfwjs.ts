import sharp from 'sharp'
import { takeTurns } from '../take-turns.ts'
import { requirePeer } from './peers.ts'

/** From the file to the scores of the five classes by nsfwjs, on tfjs' WebAssembly; one by one, since batches are no faster there. */
type Args = { model: string; size: number; files: string[] }

const { model, size, files } = JSON.parse(process.argv[2] ?? '') as Args
const tf = requirePeer('@tensorflow/tfjs')
requirePeer('@tensorflow/tfjs-backend-wasm')
tf.enableProdMode()
if (!(await tf.setBackend('wasm'))) throw new Error('the backend of WebAssembly does not start')
const classifier = await requirePeer('nsfwjs').load(model)
let next = 0

await takeTurns(async () => {
  await classify(files[next++ % files.length] as string)
  return 1
})

/** Shrunk while it is decoded, to the square that nsfwjs itself would stretch it to. */
async function classify(file: string): Promise<void> {
  const pixels = await sharp(file).resize(size, size, { fit: 'fill' }).raw().toBuffer()
  const picture = tf.tensor3d(pixels, [size, size, 3], 'int32')
  await classifier.classify(picture)
  picture.dispose()
}
