/** PostgreSQL stores neither NUL nor half a surrogate pair. */
const UNSTORABLE = /[\0\p{Surrogate}]/gu

/** A text as PostgreSQL can store it: what others say, such as a decoder, may quote any file. */
export function storableText(text: string): string {
  return text.replace(UNSTORABLE, '\ufffd')
}
