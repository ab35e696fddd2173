import { useLayoutEffect, useRef } from 'preact/hooks'

/** A decoded picture, drawn before the next frame. Without a label something around it says what it is. */
export function CanvasPicture({ bitmap, label }: { bitmap: ImageBitmap; label?: string }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useLayoutEffect(() => {
    const target = canvas.current
    const context = target?.getContext('2d')
    if (!target || !context || bitmap.width === 0) return
    target.width = bitmap.width
    target.height = bitmap.height
    context.drawImage(bitmap, 0, 0)
  }, [bitmap])
  return label === undefined ? <canvas ref={canvas} /> : <canvas ref={canvas} role="img" aria-label={label} />
}
