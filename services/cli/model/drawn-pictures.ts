/** Pictures that are drawn and not taken, as SVG: gradients, shapes and numbers, always the same. */
export function drawnPictures(): Map<string, string> {
  const of = (what: string, count: number, draw: (random: Random) => string) =>
    Array.from({ length: count }, (_, index): [string, string] => {
      const random = randomFrom(`${what}${index}`)
      return [`${what}-${index}`, page(draw(random), colour(random))]
    })
  return new Map([...of('gradient', 20, gradient), ...of('shapes', 30, shapes), ...of('numbers', 20, numbers)])
}

const WIDTH = 400
const HEIGHT = 300

/** Between 0 and 1. */
export type Random = () => number

/** The same numbers for the same seed. Source: Numerical Recipes, the quick generator of section 7.1. */
export function randomFrom(seed: string): Random {
  let state = [...seed].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) >>> 0, 1)
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function page(content: string, background: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}"><rect width="100%" height="100%" fill="${background}"/>${content}</svg>`
}

function colour(random: Random): string {
  return `hsl(${Math.floor(360 * random())}, ${Math.floor(100 * random())}%, ${Math.floor(100 * random())}%)`
}

function gradient(random: Random): string {
  const kind = random() < 0.5 ? 'linearGradient' : 'radialGradient'
  const stops = [0, 0.5, 1].map((offset) => `<stop offset="${offset}" stop-color="${colour(random)}"/>`).join('')
  const turn = Math.floor(360 * random())
  return `<defs><${kind} id="g" gradientTransform="rotate(${turn} 0.5 0.5)">${stops}</${kind}></defs><rect width="100%" height="100%" fill="url(#g)"/>`
}

function shapes(random: Random): string {
  const place = () => `${Math.floor(WIDTH * random())},${Math.floor(HEIGHT * random())}`
  const shape = () => {
    if (random() < 0.5) return `<polygon points="${place()} ${place()} ${place()}" fill="${colour(random)}"/>`
    const [x, y] = place().split(',')
    return `<ellipse cx="${x}" cy="${y}" rx="${10 + 80 * random()}" ry="${10 + 80 * random()}" fill="${colour(random)}"/>`
  }
  return Array.from({ length: 12 }, shape).join('')
}

/** The strokes of a seven-segment display, for fonts are not the same everywhere. */
const STROKES = ['M0 0h6', 'M6 0v6', 'M6 6v6', 'M0 12h6', 'M0 6v6', 'M0 0v6', 'M0 6h6']
const DIGITS = ['012345', '12', '01346', '01236', '1256', '02356', '023456', '012', '0123456', '012356']

function numbers(random: Random): string {
  const size = 1 + 4 * random()
  const [columns, rows] = [Math.floor(WIDTH / (11 * size)), Math.floor(HEIGHT / (20 * size))]
  const digit = (index: number) => {
    const strokes = [...(DIGITS[Math.floor(10 * random())] as string)].map((stroke) => STROKES[Number(stroke)]).join('')
    const at = `translate(${4 + 11 * (index % columns)} ${4 + 20 * Math.floor(index / columns)})`
    return random() < 0.2 ? '' : `<path transform="${at}" d="${strokes}"/>`
  }
  const digits = Array.from({ length: columns * rows }, (_, index) => digit(index)).join('')
  return `<g transform="scale(${size})" fill="none" stroke="${colour(random)}" stroke-width="1.5">${digits}</g>`
}
