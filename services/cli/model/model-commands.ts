import { type Command, Option } from 'commander'
import { DTYPES } from '../../core/domain/model-files.ts'
import type { ExitCode } from '../exit-code.ts'
import type { Env } from '../settings.ts'

/** `pixwarden model`: fetches models from a hub, and refuses those that would moderate wrongly. */
export function addModel(program: Command, env: Env, end: (code: ExitCode) => void): void {
  const model = program.command('model').description('Fetch and check image-text models.').addHelpText('after', HELP)
  model
    .command('list')
    .description('List the models that are known by an id, and those that are here.')
    .option('--json', 'print JSON')
    .action(async (options) => end(await (await import('./list-models.ts')).listModels(options, env)))
  model
    .command('pull')
    .description('Fetch a model. What was begun is gone on with.')
    .argument('<model>', 'an id that `model list` shows, or owner/name on the hub')
    .option('--revision <revision>', 'a commit, branch or tag of the repository')
    .addOption(new Option('--dtype <dtype>', 'of the graphs').choices(DTYPES).default('fp32'))
    .addHelpText('after', PULL_HELP)
    .action(async (name, options) => end(await (await import('./pull.ts')).pull(name, options, env)))
  model
    .command('verify')
    .description('Check that a model is whole, and answers as a model must.')
    .argument('<model>', 'an id or a folder')
    .option('--json', 'print JSON')
    .addHelpText('after', VERIFY_HELP)
    .action(async (name, options) => end(await (await import('./verify.ts')).verify(name, options, env)))
  model
    .command('quantise')
    .description("Make a model's int8, and keep it if it decides as the original.")
    .argument('<model>', 'an id or a folder')
    .option('--images <dir>', 'compare on the images of this folder (default: on some 250 that are made)')
    .option('--policies <dir>', 'compare by these policies (default: PIXWARDEN_POLICIES, else the shipped ones)')
    .option('--json', 'print JSON')
    .addHelpText('after', QUANTISE_HELP)
    .action(async (name, options) => end(await (await import('./quantise.ts')).quantiseModel(name, options, env)))
  model
    .command('remove')
    .description('Delete a model that was pulled.')
    .argument('<model>', 'as `model list` shows it')
    .action(async (name) => end(await (await import('./remove.ts')).remove(name, env)))
}

const HELP = `
Models are kept in PIXWARDEN_MODELS_DIR, by default in models/ of PIXWARDEN_DATA_DIR. Their licences are their makers': \`model list\` names them.

Examples:
  pixwarden model list
  pixwarden model pull clip-vit-b32
  pixwarden model verify clip-vit-b32
  PIXWARDEN_MODEL=clip-vit-b32 pixwarden scan photos/`

const PULL_HELP = `
A model in another dtype than fp32 is kept beside it, as clip-vit-b32-q8. Read are HF_ENDPOINT (a mirror), HF_TOKEN (for gated and private models;
sent to that endpoint only), HF_HUB_OFFLINE, HTTP_PROXY, HTTPS_PROXY and NO_PROXY.

Examples:
  pixwarden model pull clip-vit-b32 --dtype q8
  pixwarden model pull Xenova/clip-vit-base-patch16 --revision main

Exit code: 0 the model is here, 2 it is not, 130 interrupted.`

const VERIFY_HELP = `
A model that carries reference values (golden/expected.json) must give them. Any model must be whole, give unit vectors of one length for pictures and
texts, the same ones alone and in a batch, and find what the sample photos show.

Exit code: 0 fit for use, 1 to be refused, 2 could not run.`

const QUANTISE_HELP = `
For processors: the matrix products of the image side become int8, which is several times as fast for a transformer and gains nothing for a model
that is mostly convolutions. It is kept beside the original, as clip-vit-b32-quantised, if at least 99 % of the pictures get the same action from every
policy and 95 % of the scores are at most 0.03 apart. Your own images and policies tell more than those that come with the package.

Examples:
  pixwarden model quantise clip-vit-b32
  pixwarden model quantise clip-vit-b32 --images photos/ --policies my-rules/
  PIXWARDEN_MODEL=clip-vit-b32-quantised pixwarden scan photos/

Exit code: 0 it is here, 1 it decides otherwise and is not kept, 2 could not run.`
