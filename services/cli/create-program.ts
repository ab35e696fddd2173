import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { SCOPES, type Scope } from '../core/domain/scopes.ts'
import { packageRoot } from '../core/infra/package-root.ts'
import type { ExitCode } from './exit-code.ts'
import { addModel } from './model/model-commands.ts'
import type { Env } from './settings.ts'
import { addWebhook } from './webhook/webhook-commands.ts'

type End = (code: ExitCode) => void

/** The command line. A command's code is loaded when it runs, so that help comes at once; `end` receives its exit code. */
export function createProgram(env: Env, end: End): Command {
  const program = new Command('pixwarden')
    .description('Image moderation by policies that are sentences.')
    .version(versionOfPackage(), '-V, --version')
    .configureHelp({ showGlobalOptions: false })
    .exitOverride()
    .showHelpAfterError('(pixwarden --help lists what there is)')
    .addHelpText('after', EXAMPLES)
  addScan(program, env, end)
  addPolicy(program, env, end)
  addModel(program, env, end)
  addBench(program, env, end)
  addKey(program, env, end)
  addDashboard(program, env, end)
  addWebhook(program, env, end)
  addAudit(program, env, end)
  return program
}

function addScan(program: Command, env: Env, end: End): void {
  program
    .command('scan')
    .description('Judge local images by the policies: no server, no database, nothing leaves the machine.')
    .argument('<paths...>', 'files, or folders with everything below them')
    .addOption(policiesOption())
    .addOption(modelOption())
    .addOption(new Option('--preprocess <mode>', 'how pictures are resized').choices(['fast', 'exact']))
    .addOption(new Option('--json', 'print one JSON array').conflicts(['jsonl', 'html']))
    .addOption(new Option('--jsonl', 'print one JSON object a line, as they are ready').conflicts(['json', 'html']))
    .addOption(new Option('--html <report>', 'write a page with thumbnails and scores').conflicts(['json', 'jsonl']))
    .addOption(new Option('--embeddings', 'add the vectors to the JSON').conflicts('html'))
    .option('--decoders <n>', 'processes that decode', count)
    .option('--batch <n>', 'pictures that go through the model at once', count)
    .option('--threads <n>', 'threads of the model', count)
    .addHelpText('after', SCAN_HELP)
    .action(async (paths, options) => end(await (await import('./scan/scan.ts')).scan(paths, options, env)))
}

function addPolicy(program: Command, env: Env, end: End): void {
  const policy = program.command('policy').description('Check policies, and run the tests that they carry.')
  policy
    .command('lint')
    .description('Report what is wrong with policy files, each problem with its file, line and column.')
    .argument('[dir]', 'folder of policies')
    .addOption(modelOption())
    .option('--strict', 'let warnings fail too')
    .option('--json', 'print JSON')
    .addHelpText('after', LINT_HELP)
    .action(async (dir, options) => end(await (await import('./policy/lint.ts')).lint(dir, options, env)))
  policy
    .command('test')
    .description('Judge the images that the policies name as their tests, and compare.')
    .argument('[dir]', 'folder of policies')
    .addOption(modelOption())
    .option('--policy <id>', 'only this one')
    .option('--json', 'print JSON')
    .addHelpText('after', TEST_HELP)
    .action(async (dir, options) => end(await (await import('./policy/test.ts')).testPolicies(dir, options, env)))
}

function addBench(program: Command, env: Env, end: End): void {
  program
    .command('bench')
    .description('Measure this machine, and keep settings for it.')
    .requiredOption('--tune', 'run the model in batches of several sizes')
    .addOption(modelOption())
    .option('--seconds <n>', 'for each size', secondsOf, 2)
    .option('--json', 'print JSON')
    .addHelpText('after', BENCH_HELP)
    .action(async (options) => end(await (await import('./bench/tune.ts')).tune(options, env)))
}

function addKey(program: Command, env: Env, end: End): void {
  const key = program.command('key').description('Make, list and revoke API keys.').addHelpText('after', KEY_HELP)
  key
    .command('create')
    .description('Make a key and print it: this is the only time that it can be seen.')
    .requiredOption('--name <name>', 'what it is for')
    .requiredOption('--scope <scopes>', `comma-separated: ${SCOPES.join(', ')}`, scopes)
    .option('--tenant <tenant>', 'whose uploads it sees', 'default')
    .option('--json', 'print JSON')
    .action(async (options) => end(await (await import('./key/create-key.ts')).createKey(options, env)))
  key
    .command('list')
    .description('List the keys that are in force.')
    .option('--json', 'print JSON')
    .action(async (options) => end(await (await import('./key/list-keys.ts')).listKeys(options, env)))
  key
    .command('revoke')
    .description('End a key at once.')
    .argument('<id>', 'as `key list` shows it')
    .action(async (id) => end(await (await import('./key/revoke-key.ts')).revokeKey(id, env)))
}

function addDashboard(program: Command, env: Env, end: End): void {
  program
    .command('dashboard')
    .description('Print an address that signs you in to the dashboard: once, within ten minutes.')
    .option('--name <person>', 'who signs in, as others see it (default: your user name)')
    .option('--key <key>', 'id or name of the key to sign in by (default: an admin key for this, made when it is missing)')
    .option('--tenant <tenant>', 'whose reviews', 'default')
    .option('--url <url>', 'where the service is reached (default: where it listens)', httpUrl)
    .addHelpText('after', DASHBOARD_HELP)
    .action(async (options) => end(await (await import('./dashboard/sign-in-link.ts')).signInLink(options, env)))
}

function addAudit(program: Command, env: Env, end: End): void {
  const audit = program
    .command('audit')
    .description('Read and check the log of who changed what.')
    .addHelpText('after', AUDIT_HELP)
  audit
    .command('list')
    .description('List the newest rows first.')
    .option('--tenant <tenant>', 'only of this one')
    .option('--action <action>', 'only this, such as upload.erase')
    .option('--subject <id>', 'only what was done to this')
    .option('--limit <n>', 'rows at most', count, 50)
    .option('--json', 'print JSON')
    .action(async (options) => end(await (await import('./audit/list-audit.ts')).listAuditRows(options, env)))
  audit
    .command('verify')
    .description('Find the first row that was edited, removed, put in or moved.')
    .option('--expect-head <hash>', 'a head that an earlier run printed', chainHash)
    .option('--json', 'print JSON')
    .action(async (options) => end(await (await import('./audit/verify-audit.ts')).verifyAudit(options, env)))
}

const policiesOption = () =>
  new Option('--policies <dir>', 'folder of policies (default: PIXWARDEN_POLICIES, else the shipped ones)')
const modelOption = () => new Option('--model <model>', 'model id or folder (default: PIXWARDEN_MODEL, else the embedded one)')

function count(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('A number from 1 to 9999 is needed.')
  return Number(text)
}

function secondsOf(text: string): number {
  const seconds = Number(text)
  if (!(seconds > 0 && seconds <= 600)) throw new InvalidArgumentError('A number of seconds up to 600 is needed.')
  return seconds
}

function scopes(text: string): Scope[] {
  const names = [...new Set(text.split(',').map((name) => name.trim()))]
  const unknown = names.filter((name) => !(SCOPES as readonly string[]).includes(name))
  if (unknown.length > 0) throw new InvalidArgumentError(`There is no scope "${unknown.join('", "')}".`)
  return names as Scope[]
}

function httpUrl(text: string): string {
  if (!/^https?:\/\/[^/?#]+\/?$/.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('An address such as https://moderation.example is needed.')
  return text
}

function chainHash(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError('64 hexadecimal digits are needed.')
  return text
}

function versionOfPackage(): string {
  return JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')).version
}

const EXAMPLES = `
Examples:
  pixwarden scan photos/                      judge a folder and print a table
  pixwarden scan photos/ --html report.html   the same as a page to look at
  pixwarden policy lint policies/             find mistakes in policies
  pixwarden policy test policies/             run the tests that they carry
  pixwarden key create --name shop --scope intake`

const SCAN_HELP = `
A folder's JPEG, PNG, WebP and GIF files are judged, told by their content; other files and hidden ones are skipped.

Examples:
  pixwarden scan photos/
  pixwarden scan --policies my-rules/ --jsonl photos/ | jq -r 'select(.action == "flag").file'
  pixwarden scan --model models/clip-vit-b32 --embeddings --json cat.jpg

Exit code: 0 everything approved, 1 something flagged or rejected, 2 an error, of a single image too.`

const LINT_HELP = `
Besides mistakes it warns of contrasts that mean nearly what a concept means: they take the score away from what the rule looks for.

Exit code: 0 no errors (with --strict: nothing at all), 1 errors, 2 could not run.`

const TEST_HELP = `
Policies in mode shadow or off are tested as if they were enforced.

Examples:
  pixwarden policy test
  pixwarden policy test my-rules/ --policy live-animals

Exit code: 0 all as expected, 1 a difference, 2 could not run.`

const BENCH_HELP = `
Other work on the machine makes the figures wrong. The settings are kept for workers with this PIXWARDEN_DATA_DIR, of which there should be as many as it
says; for others put them into the environment.

Example:
  pixwarden bench --tune --model clip-vit-base-patch32`

const KEY_HELP = `
The database is DATABASE_URL's, or that of the standalone service that runs in PIXWARDEN_DATA_DIR.

Examples:
  pixwarden key create --name shop --scope intake
  pixwarden key create --name moderators --scope review --tenant acme
  PIXWARDEN_KEY=$(pixwarden key create --name ci --scope intake,review)`

const DASHBOARD_HELP = `
The database is DATABASE_URL's, or that of the standalone service that runs in PIXWARDEN_DATA_DIR.

Examples:
  pixwarden dashboard
  pixwarden dashboard --key moderators --name Ann --url https://moderation.example`

const AUDIT_HELP = `
Each row's hash covers the row and the hash before it. Whoever can write the whole database can make the whole chain anew: keep the head
that verify prints somewhere else, and give it to the next run.

Examples:
  pixwarden audit list --action key.create
  pixwarden audit verify --expect-head $(cat head)

Exit code of verify: 0 every row is as it was written, 1 one is not, 2 could not run.`
