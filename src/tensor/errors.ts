/** @file The only four error classes. Each carries a code and fields; the sentence is built from them. */

export type ErrorFields = Readonly<Record<string, unknown>>;

class SequiturError extends Error {
  readonly code: string;
  readonly fields: ErrorFields;
  constructor(code: string, message: string, fields: ErrorFields = {}) {
    super(message);
    this.name = new.target.name;
    this.code = code;
    this.fields = fields;
  }
}

/** A graph was built with shapes or types that do not fit together. */
export class ShapeError extends SequiturError {}

/** A setting, flag, recipe or part name is wrong. The command line answers it with exit code 2. */
export class ConfigError extends SequiturError {}

/** An input file, data folder, run folder or request is wrong. The command line answers it with exit code 2. */
export class DataError extends SequiturError {}

/** A compiled program could not be built or run. */
export class RuntimeFailure extends SequiturError {}

/** True for errors that the caller can mend by changing the input. */
export function isBadInput(error: unknown): error is ConfigError | DataError {
  return error instanceof ConfigError || error instanceof DataError;
}
