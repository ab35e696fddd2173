import { Dialog } from '../parts/dialog.tsx'
import { strings } from '../strings.ts'

/** Every key of a page and what it does. */
export function ShortcutSheet({ keys, open, onClose }: { keys: [key: string, text: string][]; open: boolean; onClose(): void }) {
  return (
    <Dialog title={strings.review.keys} open={open} onClose={onClose}>
      <dl class="shortcuts">
        {keys.map(([key, text]) => (
          <div key={key}>
            <dt>
              {key.split(' ').map((part) => (
                <kbd key={part}>{part}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
