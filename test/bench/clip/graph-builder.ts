import {
  initializer,
  makeNode,
  type Numbers,
  type OnnxNode,
  serialiseOnnx,
  tensorInput,
} from '../../../services/worker/clip/graph/onnx-model.ts'
import { type Field, integer, message, text } from '../../../services/worker/clip/graph/wire-format.ts'

const IR_VERSION = 8
const OPSET = 17
const OUTPUT = 12

type Attributes = Record<string, number | number[]>

/** Puts a graph together, node by node; each call gives the name of what it makes. */
export class GraphBuilder {
  readonly #graph: Field[] = [text(2, 'bench')]
  readonly #pool = normalPool()
  readonly #nodes: OnnxNode[] = []
  #names = 0
  #drawn = 0

  op(op: string, inputs: string[], attributes: Attributes = {}): string {
    const [output = ''] = this.opOf(1, op, inputs, attributes)
    return output
  }

  /** An operator with several outputs. */
  opOf(outputs: number, op: string, inputs: string[], attributes: Attributes = {}): string[] {
    const names = Array.from({ length: outputs }, () => this.#name())
    this.#nodes.push(makeNode(op, inputs, names, attributes))
    return names
  }

  constant(values: Numbers, dims: readonly number[]): string {
    const name = this.#name()
    this.#graph.push(initializer(name, values, dims))
    return name
  }

  numbers(...values: number[]): string {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length])
  }

  scalar(value: number): string {
    return this.constant(Float32Array.of(value), [])
  }

  /** Weights with a normal distribution around 0; always the same. */
  weights(dims: readonly number[], deviation: number): string {
    const values = this.normal(dims.reduce((a, b) => a * b, 1))
    for (let i = 0; i < values.length; i++) values[i] = deviation * (values[i] as number)
    return this.constant(values, dims)
  }

  /** Of the standard normal distribution. */
  normal(length: number): Float32Array {
    const values = new Float32Array(length)
    for (let filled = 0; filled < length; ) {
      const from = this.#drawn % POOL
      const some = this.#pool.subarray(from, from + Math.min(POOL - from, length - filled))
      values.set(some, filled)
      filled += some.length
      this.#drawn += some.length
    }
    // So that no two weights of a matrix are drawn in the same order.
    this.#drawn += 7919
    return values
  }

  input(name: string, type: number, shape: readonly (number | string)[]): string {
    this.#graph.push(tensorInput(name, type, shape))
    return name
  }

  output(name: string, made: string, type: number, shape: readonly (number | string)[]): void {
    this.#nodes.push(makeNode('Identity', [made], name))
    this.#graph.push({ ...tensorInput(name, type, shape), number: OUTPUT })
  }

  /** The bytes of the file, in parts. */
  build(): Buffer[] {
    const graph: Field = { number: 7, kind: 'bytes', value: Buffer.alloc(0) }
    return serialiseOnnx({
      fields: [integer(1, IR_VERSION), graph, message(8, [integer(2, OPSET)])],
      graph: this.#graph,
      nodes: this.#nodes,
    })
  }

  #name(): string {
    return `v${this.#names++}`
  }
}

/** Drawing anew for each of a hundred million weights would take minutes. */
const POOL = 2 ** 20

function normalPool(): Float32Array {
  let seed = 1
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return (seed + 1) / 2 ** 32
  }
  return Float32Array.from({ length: POOL }, () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random()))
}
