import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import sharp from 'sharp'
import { packageRoot } from '../../services/core/infra/package-root.ts'

/** JPEGs of `width` × `height`, one from each sample photo, at the quality that cameras and sites use. */
export async function photosOf(width: number, height: number): Promise<Buffer[]> {
  const folder = path.join(packageRoot, 'policies', 'samples')
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg')).sort()
  return Promise.all(
    names.map(async (name) =>
      sharp(await readFile(path.join(folder, name)))
        .resize(width, height)
        .jpeg({ quality: 85 })
        .toBuffer(),
    ),
  )
}

/** The photos as files in a folder. */
export async function writePhotos(photos: Buffer[], dir: string): Promise<string[]> {
  const files = photos.map((_, index) => path.join(dir, `photo-${index}.jpg`))
  await Promise.all(photos.map((photo, index) => writeFile(files[index] as string, photo)))
  return files
}
