import {
  attributeOf,
  constantsOf,
  consumersOf,
  initializer,
  makeNode,
  type OnnxModel,
  type OnnxNode,
  opsetOf,
  outputsOf,
  wholeNumberOf,
  withInputs,
} from './onnx-model.ts'

/**
 * What works on each token by itself, so that one token can go through it without the others. Whether a node does in all its settings is not looked at: a cut
 * graph is compared with the whole one before it is used.
 */
const TOKEN_BY_TOKEN = new Set([
  ...[
    'Add',
    'Sub',
    'Mul',
    'Div',
    'Pow',
    'Sqrt',
    'Neg',
    'Sigmoid',
    'Tanh',
    'Erf',
    'Relu',
    'Gelu',
    'FastGelu',
    'BiasGelu',
    'QuickGelu',
  ],
  ...['MatMul', 'MatMulInteger', 'MatMulNBits', 'DynamicQuantizeLinear', 'Cast', 'Identity'],
  ...['LayerNormalization', 'SimplifiedLayerNormalization', 'ReduceMean'],
])
const SLICE_OPSET = 10
const NAME = 'pixwarden_first_token'

/**
 * A vision transformer embeds a picture by its first token alone: in its last layer everything after the attention is then needed for that token only. Takes
 * the first token where the others are last needed. undefined when the graph has no such place.
 */
export function cutLastLayer(model: OnnxModel): OnnxModel | undefined {
  const pick = opsetOf(model) >= SLICE_OPSET ? model.nodes.findLast((node) => picksFirstToken(model, node)) : undefined
  if (!pick) return undefined
  const constants = constantsOf(model)
  const needless = nodesOfOneToken(model, pick, constants)
  if (needless.size === 0) return undefined

  const slices = new Map<string, OnnxNode>()
  const isWhole = (name: string) => name !== '' && !constants.has(name) && !isMadeBy(needless, name)
  const ofOneToken = (name: string): string => {
    if (!isWhole(name)) return name
    const short = `${NAME}/${name}`
    slices.set(name, makeNode('Slice', [name, `${NAME}/start`, `${NAME}/end`, `${NAME}/axis`], short))
    return short
  }
  const nodes = model.nodes.flatMap((node) => {
    if (!needless.has(node)) return [node]
    const before = new Set(slices.keys())
    const cut = withInputs(node, node.inputs.map(ofOneToken))
    return [...[...slices].filter(([name]) => !before.has(name)).map(([, slice]) => slice), cut]
  })
  const numbers = Object.entries({ start: 0n, end: 1n, axis: 1n })
  const constantsOfSlices = numbers.map(([name, value]) => initializer(`${NAME}/${name}`, BigInt64Array.of(value), [1]))
  return { ...model, graph: [...model.graph, ...constantsOfSlices], nodes }
}

/** hidden_states[:, 0], as exports write it. */
function picksFirstToken(model: OnnxModel, node: OnnxNode): boolean {
  const [, index = ''] = node.inputs
  return node.op === 'Gather' && attributeOf(node, 'axis', 0) === 1 && wholeNumberOf(model, index) === 0
}

/** Nodes whose every result ends in `pick` and nowhere else, through token-by-token work only. */
function nodesOfOneToken(model: OnnxModel, pick: OnnxNode, constants: Set<string>): Set<OnnxNode> {
  const outputs = new Set(outputsOf(model))
  const consumers = consumersOf(model.nodes)
  const found = new Set<OnnxNode>()
  const isOfOneToken = (name: string) =>
    !outputs.has(name) && (consumers.get(name) ?? []).every((node) => node === pick || found.has(node))
  for (const node of model.nodes.toReversed()) {
    const isUsed = node.outputs.some((name) => consumers.has(name))
    const isConstant = node.outputs.every((name) => constants.has(name))
    if (isUsed && !isConstant && TOKEN_BY_TOKEN.has(node.op) && node.outputs.every(isOfOneToken)) found.add(node)
  }
  return found
}

function isMadeBy(nodes: Set<OnnxNode>, name: string): boolean {
  return [...nodes].some(({ outputs }) => outputs.includes(name))
}
