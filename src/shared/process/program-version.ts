// The version that a program says it is: its image's. Written into the bundle when it is built (tools/program-version.ts), so that one source builds the images of every version.

declare const __MIZZEN_VERSION__: string;

/** Version of this program, for example 3.1.0; `MIZZEN_VERSION` in the environment wins, and 0.0.0 is what runs from source. */
export const PROGRAM_VERSION: string = process.env['MIZZEN_VERSION'] || (typeof __MIZZEN_VERSION__ === 'string' ? __MIZZEN_VERSION__ : '0.0.0');
