import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { defineConfig } from 'vite'

const outDir = path.join(import.meta.dirname, 'dist/services/api/dashboard')
const ASSETS = 'assets'

/** Lays a compressed copy beside each asset, for the api to send. Removes older builds' assets last: a running service has what its page names. */
const finishAssets = {
  name: 'finish-assets',
  async writeBundle(_options, bundle) {
    const names = Object.keys(bundle).filter((name) => name.startsWith(`${ASSETS}/`))
    await Promise.all(names.map(compress))
    const kept = new Set(names.flatMap((name) => [path.basename(name), `${path.basename(name)}.gz`]))
    const old = (await readdir(path.join(outDir, ASSETS))).filter((name) => !kept.has(name))
    await Promise.all(old.map((name) => rm(path.join(outDir, ASSETS, name), { force: true })))
  },
}

async function compress(name) {
  const file = path.join(outDir, name)
  await writeFile(`${file}.gz`, await promisify(gzip)(await readFile(file), { level: 9 }))
}

export default defineConfig({
  root: path.join(import.meta.dirname, 'services/api/dashboard'),
  base: '/dashboard/',
  // Whatever a page loads is imported, so that its name has a hash.
  publicDir: false,
  build: {
    outDir,
    emptyOutDir: false,
    assetsDir: ASSETS,
    // The pages' policy allows no data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  plugins: [finishAssets],
})
