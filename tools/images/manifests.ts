// The manifests of an installation with every image by digest: the operator's and the samples'.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isMap, isSeq, parseAllDocuments, type Document } from 'yaml';
import { relatedImageVariable } from '../../src/operator/versions/index.ts';
import type { BuiltImage } from './build-images.ts';

/** Which manifests to write, and with which images. */
export interface ManifestOptions {
  readonly root: string;
  readonly images: readonly BuiltImage[];
  /** What image references start with: registry.example.com/mizzen. */
  readonly prefix: string;
  readonly folder: string;
}

const OPERATOR_MANIFEST = 'deploy/operator.yaml';
const SAMPLE_MANIFESTS = ['samples/httpbin/httpbin.yaml', 'samples/bookinfo/bookinfo.yaml'];
/** The names that a version's descriptor gives to images. */
const RELATED = { mizzend: 'discovery', 'mizzen-proxy': 'proxy', 'mizzen-cni': 'cni' } as const;

/** Writes operator.yaml and the samples' manifests into a folder; gives their paths. */
export function writeManifests({ root, images, prefix, folder }: ManifestOptions): string[] {
  const byDigest = (image: BuiltImage): string => `${prefix}/${image.name}@${image.digest}`;
  const manifests = [OPERATOR_MANIFEST, ...SAMPLE_MANIFESTS].map((source): [string, string] => {
    const text = readFileSync(join(root, source), 'utf8').replaceAll(/(image: )mizzen\/([a-z-]+):([\w.-]+)$/gm, (line, start: string, name: string, tag: string) => {
      const image = images.find((built) => built.name === name && built.tag === tag);
      if (image === undefined && source === OPERATOR_MANIFEST) throw new Error(`the operator's manifest names ${line.slice(start.length)}, which was not built; leave out --only and --version`);
      return image === undefined ? line : `${start}${byDigest(image)}`;
    });
    return [source, text];
  });
  return manifests.map(([source, text]) => {
    const path = join(folder, source.replace(/^deploy\//, ''));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, source === OPERATOR_MANIFEST ? withRelatedImages(text, relatedImages(images, byDigest)) : text);
    return path;
  });
}

/** Variables of the operator for the images that it installs. */
function relatedImages(images: readonly BuiltImage[], reference: (image: BuiltImage) => string): { name: string; value: string }[] {
  return images.flatMap((image) => {
    const related = Object.entries(RELATED).find(([name]) => name === image.name)?.[1];
    const version = /^v\d+\.\d+/.exec(image.tag)?.[0];
    return related === undefined || version === undefined ? [] : [{ name: relatedImageVariable(version, related), value: reference(image) }];
  }).sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** The text with variables after the operator's own; all else stays as it is written. */
function withRelatedImages(text: string, variables: readonly { name: string; value: string }[]): string {
  const documents = parseAllDocuments(text) as Document[];
  const containers = documents.find((document) => document.get('kind') === 'Deployment')?.getIn(['spec', 'template', 'spec', 'containers']);
  const container = isSeq(containers) ? containers.items[0] : undefined;
  const environment = isMap(container) ? container.get('env') : undefined;
  if (!isSeq(environment) || !environment.range) throw new Error(`${OPERATOR_MANIFEST} has no Deployment with an environment`);
  const [start, end] = environment.range;
  const indent = ' '.repeat(start - text.lastIndexOf('\n', start) - 1);
  const lines = variables.map(({ name, value }) => `${indent}- name: ${name}\n${indent}  value: ${value}\n`);
  return `${text.slice(0, end)}${text[end - 1] === '\n' ? '' : '\n'}${lines.join('')}${text.slice(end).replace(/^\n/, '')}`;
}
