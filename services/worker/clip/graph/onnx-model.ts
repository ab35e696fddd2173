import { bytes, type Field, integer, message, readFields, readVarints, text, writeFields } from './wire-format.ts'

/**
 * An ONNX model as a list of nodes and named values, for edits that leave everything else as it is, byte for byte.
 * Source of the field numbers: onnx.proto, version 3 of the IR.
 */
export type OnnxModel = {
  /** Without the graph, whose place among them is kept. */
  fields: Field[]
  /** Without nodes. */
  graph: Field[]
  /** Each after those whose outputs it takes. */
  nodes: OnnxNode[]
}

export type OnnxNode = { op: string; inputs: string[]; outputs: string[]; fields: Field[] }

const MODEL = { graph: 7, opset: 8 } as const
const OPSET = { domain: 1, version: 2 } as const
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12 } as const
const NODE = { input: 1, output: 2, op: 4, attribute: 5 } as const
const ATTRIBUTE = { name: 1, float: 2, integer: 3, tensor: 5, integers: 8, type: 20 } as const
const ATTRIBUTE_TYPE = { integer: 2, integers: 7 } as const
const TENSOR = { dims: 1, type: 2, name: 8, raw: 9 } as const
const VALUE = { name: 1, type: 2 } as const
const TYPE = { tensor: 1, element: 1, shape: 2 } as const
const SHAPE = { axis: 1 } as const
const AXIS = { size: 1, name: 2 } as const

/** Element types of tensors. */
export const FLOAT = 1
export const UINT8 = 2
export const INT8 = 3
export const INT64 = 7
export const FLOAT16 = 10

/** Throws RangeError for what is no ONNX model. */
export function parseOnnx(file: Buffer): OnnxModel {
  const fields = readFields(file)
  const graph = readFields(bytesOf(fields, MODEL.graph))
  const nodes = graph.filter(({ number }) => number === GRAPH.node).map((field) => parseNode(readFields(messageOf(field))))
  return { fields, graph: graph.filter(({ number }) => number !== GRAPH.node), nodes }
}

/** The bytes of a model's file, in parts. */
export function serialiseOnnx({ fields, graph, nodes }: OnnxModel): Buffer[] {
  const written = [...nodes.map(({ fields }) => message(GRAPH.node, fields)), ...graph]
  return writeFields(fields.map((field) => (field.number === MODEL.graph ? message(MODEL.graph, written) : field)))
}

/** Of ONNX's own operators; 0 when the model names none. */
export function opsetOf({ fields }: OnnxModel): number {
  const opsets = fields.filter(({ number }) => number === MODEL.opset).map((field) => readFields(messageOf(field)))
  const own = opsets.find((opset) => textOf(opset, OPSET.domain) === '')
  return own === undefined ? 0 : Number(integerOf(own, OPSET.version))
}

/** Names of values that are the same for every input. */
export function constantsOf(model: OnnxModel): Set<string> {
  const constants = new Set(initializers(model).map((tensor) => textOf(tensor, TENSOR.name)))
  for (const { inputs, outputs } of model.nodes)
    if (inputs.every((name) => name === '' || constants.has(name))) for (const name of outputs) constants.add(name)
  return constants
}

/** The nodes that take each value, by its name; a node that takes it twice is there once. */
export function consumersOf(nodes: readonly OnnxNode[]): Map<string, OnnxNode[]> {
  const consumers = new Map<string, OnnxNode[]>()
  for (const node of nodes) for (const name of new Set(node.inputs)) consumers.set(name, [...(consumers.get(name) ?? []), node])
  return consumers
}

/** What a constant holds, when it is one whole number, alone or in a list, written as exports write it; undefined for everything else. */
export function wholeNumberOf(model: OnnxModel, name: string): number | undefined {
  const made = model.nodes.find(({ op, outputs }) => op === 'Constant' && outputs[0] === name)
  const tensor = made ? attributesOf(made).get('value') : undefined
  const fields = tensor
    ? readFields(bytesOf(tensor, ATTRIBUTE.tensor))
    : initializers(model).find((each) => textOf(each, TENSOR.name) === name)
  if (!fields || integerOf(fields, TENSOR.type) !== BigInt(INT64)) return undefined
  if (fields.filter(({ number }) => number === TENSOR.dims).some((dim) => dim.value !== 1n)) return undefined
  const raw = fields.find(({ number }) => number === TENSOR.raw)
  return raw?.kind === 'bytes' ? Number(raw.value.readBigInt64LE()) : undefined
}

/** A whole-number attribute; `absent` when the node does not say. */
export function attributeOf(node: OnnxNode, name: string, absent: number): number {
  const attribute = attributesOf(node).get(name)
  return attribute ? Number(BigInt.asIntN(64, integerOf(attribute, ATTRIBUTE.integer))) : absent
}

/** A factor that is 1 when the node does not say. */
export function factorOf(node: OnnxNode, name: string): number {
  const factor = attributesOf(node)
    .get(name)
    ?.find(({ number }) => number === ATTRIBUTE.float)
  return factor?.kind === 'fixed' ? factor.value.readFloatLE() : 1
}

/** A list of whole numbers; undefined when the node does not say. */
export function integersOf(node: OnnxNode, name: string): number[] | undefined {
  const fields = attributesOf(node)
    .get(name)
    ?.filter(({ number }) => number === ATTRIBUTE.integers)
  return fields?.flatMap(wholeNumbers)
}

/** The floats of an initializer; undefined when there is none of that name, it is of another type, or its bytes are not in the model in one piece. */
export function floatsOf(model: OnnxModel, name: string): { dims: number[]; values: Float32Array } | undefined {
  const tensor = initializers(model).find((each) => textOf(each, TENSOR.name) === name)
  const raw = tensor?.find(({ number }) => number === TENSOR.raw)
  if (!tensor || raw?.kind !== 'bytes' || integerOf(tensor, TENSOR.type) !== BigInt(FLOAT)) return undefined
  // Copied, since floats must begin at a multiple of 4.
  return { dims: dimsOf(tensor), values: new Float32Array(new Uint8Array(raw.value).buffer) }
}

function dimsOf(tensor: Field[]): number[] {
  return tensor.filter(({ number }) => number === TENSOR.dims).flatMap(wholeNumbers)
}

/** Writers put each number of a list in a field of its own, or all in one. */
function wholeNumbers(field: Field): number[] {
  return (field.kind === 'varint' ? [field.value] : readVarints(messageOf(field))).map((value) =>
    Number(BigInt.asIntN(64, value)),
  )
}

/** The same model without an initializer that no node takes. Old exports list it among the inputs too: it would have to be given. */
export function withoutInitializer(model: OnnxModel, name: string): OnnxModel {
  if (model.nodes.some(({ inputs }) => inputs.includes(name))) return model
  const isIt = (field: Field) =>
    (field.number === GRAPH.initializer && textOf(readFields(messageOf(field)), TENSOR.name) === name) ||
    (field.number === GRAPH.input && nameOf(field) === name)
  return { ...model, graph: model.graph.filter((field) => !isIt(field)) }
}

/** What the model is given: its inputs without those that have a value already. Axes without a fixed size are 0. */
export function inputsOf(model: OnnxModel): { name: string; type: number; shape: number[] }[] {
  const given = new Set(initializers(model).map((tensor) => textOf(tensor, TENSOR.name)))
  return model.graph
    .filter(({ number }) => number === GRAPH.input)
    .map((field) => readFields(messageOf(field)))
    .filter((input) => !given.has(textOf(input, VALUE.name)))
    .map((input) => ({ name: textOf(input, VALUE.name), ...tensorTypeOf(input) }))
}

function tensorTypeOf(input: Field[]): { type: number; shape: number[] } {
  const tensor = optional(optional(input, VALUE.type), TYPE.tensor)
  const axes = optional(tensor, TYPE.shape).filter(({ number }) => number === SHAPE.axis)
  return {
    type: Number(integerOf(tensor, TYPE.element)),
    shape: axes.map((axis) => Number(integerOf(readFields(messageOf(axis)), AXIS.size))),
  }
}

/** The same model with `input` in the place of the one called `old`. */
export function replaceInput(model: OnnxModel, old: string, input: Field): OnnxModel {
  const graph = model.graph.map((field) => (field.number === GRAPH.input && nameOf(field) === old ? input : field))
  return { ...model, graph }
}

/** The same model without its other outputs, so that nothing is computed for them. */
export function onlyOutput(model: OnnxModel, output: string): OnnxModel {
  return { ...model, graph: model.graph.filter((field) => field.number !== GRAPH.output || nameOf(field) === output) }
}

export function outputsOf({ graph }: OnnxModel): string[] {
  return graph.filter(({ number }) => number === GRAPH.output).map(nameOf)
}

/** An input of the graph: a tensor with these axes, of which those with a name are free. */
export function tensorInput(name: string, type: number, shape: readonly (number | string)[]): Field {
  const axes = shape.map((axis) =>
    message(SHAPE.axis, [typeof axis === 'number' ? integer(AXIS.size, axis) : text(AXIS.name, axis)]),
  )
  const tensor = message(TYPE.tensor, [integer(TYPE.element, type), message(TYPE.shape, axes)])
  return message(GRAPH.input, [text(VALUE.name, name), message(VALUE.type, [tensor])])
}

/** Numbers as ONNX keeps them: float32, uint8, int8 or int64. */
export type Numbers = Float32Array | Uint8Array | Int8Array | BigInt64Array

export function initializer(name: string, values: Numbers, dims: readonly number[]): Field {
  return message(GRAPH.initializer, [
    ...dims.map((dim) => integer(TENSOR.dims, dim)),
    integer(TENSOR.type, typeOf(values)),
    text(TENSOR.name, name),
    bytes(TENSOR.raw, Buffer.from(values.buffer, values.byteOffset, values.byteLength)),
  ])
}

function typeOf(values: Numbers): number {
  if (values instanceof Float32Array) return FLOAT
  if (values instanceof Uint8Array) return UINT8
  return values instanceof Int8Array ? INT8 : INT64
}

export function makeNode(
  op: string,
  inputs: string[],
  output: string | string[],
  attributes: Record<string, number | number[]> = {},
): OnnxNode {
  const attributeFields = Object.entries(attributes).map(([name, value]) =>
    message(NODE.attribute, [
      text(ATTRIBUTE.name, name),
      ...(Array.isArray(value)
        ? [...value.map((each) => integer(ATTRIBUTE.integers, each)), integer(ATTRIBUTE.type, ATTRIBUTE_TYPE.integers)]
        : [integer(ATTRIBUTE.integer, value), integer(ATTRIBUTE.type, ATTRIBUTE_TYPE.integer)]),
    ]),
  )
  return parseNode([
    ...inputs.map((name) => text(NODE.input, name)),
    ...[output].flat().map((name) => text(NODE.output, name)),
    text(NODE.op, op),
    ...attributeFields,
  ])
}

/** The same node with other inputs. */
export function withInputs(node: OnnxNode, inputs: readonly string[]): OnnxNode {
  const others = node.fields.filter(({ number }) => number !== NODE.input)
  return parseNode([...inputs.map((name) => text(NODE.input, name)), ...others])
}

function parseNode(fields: Field[]): OnnxNode {
  const texts = (number: number) => fields.filter((field) => field.number === number).map((field) => messageOf(field).toString())
  return { op: texts(NODE.op)[0] ?? '', inputs: texts(NODE.input), outputs: texts(NODE.output), fields }
}

function attributesOf({ fields }: OnnxNode): Map<string, Field[]> {
  const attributes = fields.filter(({ number }) => number === NODE.attribute).map((field) => readFields(messageOf(field)))
  return new Map(attributes.map((attribute) => [textOf(attribute, ATTRIBUTE.name), attribute]))
}

function initializers({ graph }: OnnxModel): Field[][] {
  return graph.filter(({ number }) => number === GRAPH.initializer).map((field) => readFields(messageOf(field)))
}

function nameOf(value: Field): string {
  return textOf(readFields(messageOf(value)), VALUE.name)
}

function messageOf(field: Field): Buffer {
  if (field.kind === 'bytes') return field.value
  if (field.kind === 'parts') return Buffer.concat(field.value)
  throw new RangeError(`field ${field.number} is no message`)
}

function bytesOf(fields: readonly Field[], number: number): Buffer {
  const field = fields.find((each) => each.number === number)
  if (!field) throw new RangeError(`field ${number} is missing`)
  return messageOf(field)
}

/** A message inside another; no fields when it is absent. */
function optional(fields: readonly Field[], number: number): Field[] {
  const field = fields.find((each) => each.number === number)
  return field ? readFields(messageOf(field)) : []
}

/** Empty when it is absent, as the format has it. */
function textOf(fields: readonly Field[], number: number): string {
  const field = fields.find((each) => each.number === number)
  return field ? messageOf(field).toString() : ''
}

function integerOf(fields: readonly Field[], number: number): bigint {
  const field = fields.find((each) => each.number === number)
  return field?.kind === 'varint' ? field.value : 0n
}
