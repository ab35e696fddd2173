import { render } from 'preact'
import { App } from './app.tsx'
import { createShell, ShellContext } from './shell.ts'
import './styles/tokens.css'
import './styles/base.css'
import './styles/parts.css'
import './styles/layout.css'

const root = document.getElementById('dashboard')
if (!root) throw new Error('index.html has no place for the dashboard')

const shell = createShell()
render(
  <ShellContext.Provider value={shell}>
    <App />
  </ShellContext.Provider>,
  root,
)
await shell.start()
