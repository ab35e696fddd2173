import { readFile } from 'node:fs/promises'
import { Tokenizer } from '@huggingface/tokenizers'
import { AppError } from '../../core/domain/errors.ts'
import { canonicalText } from './canonical-text.ts'
import { cleanClipText } from './clean-clip-text.ts'
import type { TextSettings } from './open-model.ts'
import type { TextCleanUp } from './read-model-config.ts'

/** `ids` has start and end tokens and is at most `maxLength` long, or exactly that for a model that pads; `length` of them are not padding. */
export type Tokens = { ids: number[]; length: number }

/** `padId` is for graphs that take one length only. */
export type PromptTokenizer = { padId: number; encode(text: string): Tokens }

/** Loads a model's tokenizer. Throws AppError `invalid-model` when its files cannot be used. */
export async function openTokenizer(settings: TextSettings): Promise<PromptTokenizer> {
  const { maxLength, padding, padToken, cleanUp } = settings
  const tokenizer = await loadTokenizer(settings)
  const padId = (padToken === undefined ? undefined : tokenizer.token_to_id(padToken)) ?? settings.padId
  const end = tokenizer.encode('').ids.at(-1)

  /** The library does not cut: all but the last place are the text's, the last is the end token's. */
  const cut = (ids: number[]) => {
    if (ids.length <= maxLength) return ids
    return end === undefined ? ids.slice(0, maxLength) : [...ids.slice(0, maxLength - 1), end]
  }
  return {
    padId,
    encode(text) {
      const ids = cut(tokenizer.encode(clean(text, cleanUp)).ids)
      const missing = padding === 'max-length' ? maxLength - ids.length : 0
      return { ids: [...ids, ...new Array<number>(missing).fill(padId)], length: ids.length }
    },
  }
}

function clean(text: string, cleanUp: TextCleanUp): string {
  switch (cleanUp) {
    case 'clip':
      return cleanClipText(text)
    case 'canonical':
      return canonicalText(text)
    case 'lower-case':
      return text.toLowerCase()
    case 'none':
      return text
  }
}

async function loadTokenizer({ tokenizerFile, tokenizerConfigFile }: TextSettings): Promise<Tokenizer> {
  try {
    return new Tokenizer(await readJson(tokenizerFile), await readJson(tokenizerConfigFile))
  } catch (cause) {
    throw new AppError('invalid-model', `${tokenizerFile} cannot be used: ${(cause as Error).message}`, { cause })
  }
}

async function readJson(file: string): Promise<object> {
  return JSON.parse(await readFile(file, 'utf8'))
}
