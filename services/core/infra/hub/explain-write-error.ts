import { AppError } from '../../domain/errors.ts'

/** What a folder of models that is full or cannot be written means for its user: AppError `storage-full` or `invalid-config`. Other errors stay as they are. */
export function explainWriteError(error: unknown, modelsDir: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new AppError(
      'storage-full',
      `there is no more room in ${modelsDir}: make room and begin again, what has come of a pull is kept`,
      { cause: error },
    )
  // Making folders one in another says ENOENT of a file system that is read-only.
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(code ?? '') || (code === 'ENOENT' && syscall === 'mkdir'))
    return new AppError('invalid-config', `${modelsDir} cannot be written: set PIXWARDEN_MODELS_DIR to a folder that can`, {
      cause: error,
    })
  return error
}
