/** The ASCII punctuation. */
const PUNCTUATION = /[!-/:-@[-^`{-~]/g

/** Writes a prompt as SigLIP's training did (big_vision, canonicalize_text): lower case, underscores as spaces, no punctuation, single spaces. */
export function canonicalText(text: string): string {
  return text.replaceAll('_', ' ').replace(PUNCTUATION, '').toLowerCase().split(/\s+/).filter(Boolean).join(' ')
}
