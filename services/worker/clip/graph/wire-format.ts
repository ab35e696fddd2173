/**
 * Protocol Buffers as bytes: a message is a list of fields, each with its number and its value as it was written. Enough to change a few fields
 * of a large message and leave every other byte as it is, unknown ones included.
 * Source: the encoding page of the Protocol Buffers documentation.
 */
export type Field = { number: number } & (
  | { kind: 'varint'; value: bigint }
  | { kind: 'fixed'; value: Buffer }
  | { kind: 'bytes'; value: Buffer }
  // Of a message that was put together here: its bytes in parts, for they may be many.
  | { kind: 'parts'; value: Buffer[] }
)

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

/** The fields of a message, in their order; their bytes are views of `message`. Throws RangeError for what is no message. */
export function readFields(message: Buffer): Field[] {
  const fields: Field[] = []
  let at = 0

  const varint = (): bigint => {
    const [value, next] = readVarint(message, at)
    at = next
    return value
  }
  const take = (length: number): Buffer => {
    if (at + length > message.length) throw new RangeError(`a field of ${length} bytes is cut off`)
    at += length
    return message.subarray(at - length, at)
  }

  while (at < message.length) {
    const tag = Number(varint())
    const number = tag >>> 3
    const type = tag & 7
    if (type === VARINT) fields.push({ number, kind: 'varint', value: varint() })
    else if (type === BYTES) fields.push({ number, kind: 'bytes', value: take(Number(varint())) })
    else if (type === FIXED32 || type === FIXED64) fields.push({ number, kind: 'fixed', value: take(type === FIXED32 ? 4 : 8) })
    else throw new RangeError(`a field of the unknown type ${type}`)
  }
  return fields
}

/** The numbers of a packed list. Throws RangeError when one is cut off. */
export function readVarints(list: Buffer): bigint[] {
  const values: bigint[] = []
  for (let at = 0; at < list.length; ) {
    const [value, next] = readVarint(list, at)
    values.push(value)
    at = next
  }
  return values
}

/** The inverse of `readFields`: what is written one after the other. Values are not copied. */
export function writeFields(fields: readonly Field[]): Buffer[] {
  return fields.flatMap(partsOf)
}

/** The number that begins at `at`, and where it ends. */
function readVarint(message: Buffer, at: number): [bigint, number] {
  let value = 0n
  for (let shift = 0n, next = at; shift < 64n; shift += 7n) {
    const byte = message[next++]
    if (byte === undefined) throw new RangeError('a number is cut off')
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return [value, next]
  }
  throw new RangeError('a number of more than 64 bits')
}

function partsOf(field: Field): Buffer[] {
  const { number } = field
  if (field.kind === 'varint') return [varintOf(tagOf(number, VARINT)), varintOf(field.value)]
  if (field.kind === 'fixed') return [varintOf(tagOf(number, field.value.length === 4 ? FIXED32 : FIXED64)), field.value]
  const parts = field.kind === 'bytes' ? [field.value] : field.value
  const length = parts.reduce((total, part) => total + part.length, 0)
  return [varintOf(tagOf(number, BYTES)), varintOf(BigInt(length)), ...parts]
}

function tagOf(number: number, type: number): bigint {
  return BigInt(number * 8 + type)
}

function varintOf(value: bigint): Buffer {
  const bytes: number[] = []
  for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)])
    bytes.push(Number(rest & 0x7fn) | 0x80)
  }
}

export const text = (number: number, value: string): Field => ({ number, kind: 'bytes', value: Buffer.from(value) })
export const message = (number: number, fields: readonly Field[]): Field => ({
  number,
  kind: 'parts',
  value: writeFields(fields),
})
export const integer = (number: number, value: number | bigint): Field => ({ number, kind: 'varint', value: BigInt(value) })
export const bytes = (number: number, value: Buffer): Field => ({ number, kind: 'bytes', value })
