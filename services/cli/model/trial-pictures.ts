import { readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { drawnPictures, randomFrom } from './drawn-pictures.ts'
import { SAMPLES } from './encode.ts'

/** Of a photo, and of one that is small in another. */
const SIZE = { width: 400, height: 300 }
const SMALL = { width: 120, height: 90 }
const CROP = { width: 240, height: 180 }
const NOISES = 12

/** What cameras, sites and people do to photos. */
const CHANGES: Record<string, (photo: Sharp) => Sharp> = {
  mirrored: (photo) => photo.flop(),
  grey: (photo) => photo.greyscale(),
  dark: (photo) => photo.linear(0.4, 0),
  bright: (photo) => photo.linear(1.4, 20),
  faded: (photo) => photo.linear(0.5, 90),
  blurred: (photo) => photo.blur(3),
  tiny: (photo) => photo.resize(96, 72),
  turned: (photo) => photo.rotate(90),
  'top left': (photo) => photo.extract({ left: 0, top: 0, ...CROP }),
  'top right': (photo) => photo.extract({ left: 160, top: 0, ...CROP }),
  'bottom left': (photo) => photo.extract({ left: 0, top: 120, ...CROP }),
  'bottom right': (photo) => photo.extract({ left: 160, top: 120, ...CROP }),
  middle: (photo) => photo.extract({ left: 80, top: 60, ...CROP }),
}

/**
 * Writes pictures on which to compare models into `dir`: the sample photos as they are, changed, cropped, side by side and small in one another, and pictures that
 * are drawn. The same ones each time. Resolves to their files.
 */
export async function writeTrialPictures(dir: string): Promise<string[]> {
  const photos = (await readdir(SAMPLES)).filter((name) => name.endsWith('.jpg')).sort()
  const pictures = new Map<string, Sharp>()
  for (const [index, photo] of photos.entries()) {
    pictures.set(photo, sharp(path.join(SAMPLES, photo)))
    for (const [name, change] of Object.entries(CHANGES)) pictures.set(`${name} ${photo}`, change(await photoOf(photo)))
    for (const other of photos.slice(index + 1)) {
      pictures.set(`${other} beside ${photo}`, await sideBySide(photo, other))
      pictures.set(`${other} in ${photo}`, await smallIn(photo, other))
    }
  }
  for (const [name, svg] of drawnPictures()) pictures.set(`${name}.png`, sharp(Buffer.from(svg)))
  for (let index = 0; index < NOISES; index++) pictures.set(`noise ${index}.png`, noise(index))
  return write(dir, pictures)
}

async function write(dir: string, pictures: Map<string, Sharp>): Promise<string[]> {
  const files: string[] = []
  for (const [name, picture] of pictures) {
    const file = path.join(dir, name)
    await writeFile(file, await (name.endsWith('.png') ? picture.png() : picture.jpeg({ quality: 85 })).toBuffer())
    files.push(file)
  }
  return files
}

async function photoOf(name: string, size = SIZE): Promise<Sharp> {
  const pixels = await sharp(path.join(SAMPLES, name)).resize(size).removeAlpha().raw().toBuffer()
  return sharp(pixels, { raw: { ...size, channels: 3 } })
}

async function sideBySide(left: string, right: string): Promise<Sharp> {
  const input = await (await photoOf(right)).png().toBuffer()
  return (await photoOf(left)).extend({ right: SIZE.width }).composite([{ input, left: SIZE.width, top: 0 }])
}

async function smallIn(photo: string, other: string): Promise<Sharp> {
  const input = await (await photoOf(other, SMALL)).png().toBuffer()
  return (await photoOf(photo)).composite([{ input, left: 200, top: 150 }])
}

/** Grains of 1 to 12 pixels. */
function noise(index: number): Sharp {
  const random = randomFrom(`noise ${index}`)
  const size = { width: Math.ceil(SIZE.width / (index + 1)), height: Math.ceil(SIZE.height / (index + 1)) }
  const pixels = Uint8Array.from({ length: 3 * size.width * size.height }, () => Math.floor(256 * random()))
  return sharp(pixels, { raw: { ...size, channels: 3 } }).resize(SIZE)
}
