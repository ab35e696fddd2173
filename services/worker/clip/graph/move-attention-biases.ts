import { constantsOf, consumersOf, floatsOf, initializer, type OnnxModel, type OnnxNode, withInputs } from './onnx-model.ts'

const NAME = 'pixwarden_biases'

/** What changes how the numbers of a value lie, or all of them in one way. */
const LAYOUT = new Set(['Reshape', 'Transpose', 'Cast', 'Identity'])
const SCALING = new Set(['Mul', 'Div'])

/**
 * Leaves out the additions of the biases of keys and values in attentions, each of which runs over all tokens. A key's bias adds the same to a query's product
 * with every key, and softmax does not see that. A value's bias goes through unchanged, for the shares of the tokens add up to 1: it is put into the bias of the
 * product that follows. undefined when the graph has no such bias.
 */
export function moveAttentionBiases(model: OnnxModel): OnnxModel | undefined {
  const graph = new GraphView(model)
  const moves = model.nodes.flatMap((node) => moveOf(node, graph) ?? [])
  if (moves.length === 0) return undefined
  const withoutBias = new Map(moves.map(({ add, product }) => [add.outputs[0] as string, product]))
  const later = new Map(moves.flatMap(({ later }) => (later ? [[later.bias, later] as const] : [])))
  const renamed = (name: string) => withoutBias.get(name) ?? (later.has(name) ? `${NAME}/${name}` : name)
  const added = new Set(moves.map(({ add }) => add))
  return {
    ...model,
    graph: [...model.graph, ...[...later].map(([name, { sum }]) => initializer(`${NAME}/${name}`, sum, [sum.length]))],
    nodes: model.nodes.filter((node) => !added.has(node)).map((node) => withRenamedInputs(node, renamed)),
  }
}

function withRenamedInputs(node: OnnxNode, renamed: (name: string) => string): OnnxNode {
  return node.inputs.every((name) => renamed(name) === name) ? node : withInputs(node, node.inputs.map(renamed))
}

type Move = {
  /** The node that adds the bias to `product`. */
  add: OnnxNode
  product: string
  /** The bias that takes it up, by its name, and what that becomes. */
  later?: { bias: string; sum: Float32Array }
}

function moveOf(add: OnnxNode, graph: GraphView): Move | undefined {
  const bias = add.op === 'Add' ? graph.biasOf(add) : undefined
  const product = add.inputs.find((name) => name !== bias?.name)
  if (!bias || product === undefined) return undefined
  if (isOfKeys(add, graph)) return { add, product }
  const seen = graph.follow(add.outputs[0] as string, LAYOUT)
  if (!isTimes(seen, 'right') || graph.source(seen.node.inputs[0] as string)?.op !== 'Softmax') return undefined
  const later = laterBias(bias.values, graph.follow(seen.node.outputs[0] as string, LAYOUT), graph)
  return later && { add, product, later }
}

function isOfKeys(add: OnnxNode, graph: GraphView): boolean {
  const products = graph.follow(add.outputs[0] as string, LAYOUT, SCALING)
  return isTimes(products, 'right') && graph.follow(products.node.outputs[0] as string, LAYOUT, SCALING)?.node.op === 'Softmax'
}

function isTimes(step: Step | undefined, side: 'left' | 'right'): step is Step {
  return step?.node.op === 'MatMul' && step.input === (side === 'left' ? 0 : 1)
}

/** b + v · W, where the values are multiplied with W and b is added. */
function laterBias(value: Float32Array, next: Step | undefined, graph: GraphView): Move['later'] {
  if (!isTimes(next, 'left')) return undefined
  const weights = graph.floats(next.node.inputs[1])
  const adding = graph.follow(next.node.outputs[0] as string)
  const bias = adding?.node.op === 'Add' ? graph.biasOf(adding.node) : undefined
  if (!weights || !bias || weights.dims.length !== 2 || weights.dims[0] !== value.length) return undefined
  if (bias.values.length !== weights.dims[1] || graph.consumers(bias.name).length > 1) return undefined
  const columns = bias.values.length
  const sums = Float64Array.from(bias.values)
  for (const [row, weight] of value.entries())
    for (let column = 0; column < columns; column++)
      sums[column] = (sums[column] as number) + weight * (weights.values[row * columns + column] as number)
  return { bias: bias.name, sum: Float32Array.from(sums) }
}

/** A node that takes a value, and as which of its inputs. */
type Step = { node: OnnxNode; input: number }

class GraphView {
  readonly #model: OnnxModel
  readonly #constants: Set<string>
  readonly #consumers: Map<string, OnnxNode[]>
  readonly #makers = new Map<string, OnnxNode>()

  constructor(model: OnnxModel) {
    this.#model = model
    this.#constants = constantsOf(model)
    this.#consumers = consumersOf(model.nodes)
    for (const node of model.nodes) for (const name of node.outputs) this.#makers.set(name, node)
  }

  consumers(name: string): OnnxNode[] {
    return this.#consumers.get(name) ?? []
  }

  floats(name = '') {
    return floatsOf(this.#model, name)
  }

  /** The constant with one number for each feature that a node adds. */
  biasOf({ inputs }: OnnxNode): { name: string; values: Float32Array } | undefined {
    const name = inputs.find((each) => this.#constants.has(each))
    const tensor = this.floats(name)
    return name !== undefined && tensor?.dims.length === 1 ? { name, values: tensor.values } : undefined
  }

  /** The only node that works with the numbers of a value, once they were passed on by `passing`, or by `scaling` with a constant. */
  follow(name: string, passing = new Set<string>(), scaling = new Set<string>()): Step | undefined {
    const [node, ...others] = this.consumers(name).filter(({ op }) => op !== 'Shape')
    if (!node || others.length > 0) return undefined
    const isScaling = scaling.has(node.op) && node.inputs.some((each) => this.#constants.has(each))
    if (passing.has(node.op) || isScaling) return this.follow(node.outputs[0] as string, passing, scaling)
    return { node, input: node.inputs.indexOf(name) }
  }

  /** The node that made the numbers of a value, before their layout was changed. */
  source(name: string): OnnxNode | undefined {
    const node = this.#makers.get(name)
    return node && LAYOUT.has(node.op) ? this.source(node.inputs[0] as string) : node
  }
}
