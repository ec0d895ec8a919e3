import { describe, expect, it } from 'vitest';
import { findImage, parseImage, resolveExecutable } from './image-table.ts';

const images = { 'mizzen/mizzend': { command: ['node', 'mizzend.js'] }, 'registry:5000/app': { command: ['app'] } };

describe('findImage', () => {
  it('takes registry ports, tags and digests apart', () => {
    expect(parseImage('registry:5000/app')).toEqual({ name: 'registry:5000/app', tag: 'latest' });
    expect(parseImage('registry:5000/app:v1')).toEqual({ name: 'registry:5000/app', tag: 'v1' });
    expect(parseImage('app@sha256:abc')).toEqual({ name: 'app', tag: 'latest' });
  });

  it('finds programs by name, and none for unavailable or unlisted tags', () => {
    expect(findImage(images, {}, 'mizzen/mizzend:v3.0.0')).toBe(images['mizzen/mizzend']);
    expect(findImage(images, {}, 'docker.io/mizzen/mizzend:v3.0.0')).toBe(images['mizzen/mizzend']);
    expect(findImage(images, {}, 'mizzen/mizzend:v3.0.0-unavailable')).toBeUndefined();
    expect(findImage(images, { 'mizzen/mizzend': ['v3.0.0'] }, 'mizzen/mizzend:v3.1.0')).toBeUndefined();
    expect(findImage(images, {}, 'constructor')).toBeUndefined();
  });
});

describe('resolveExecutable', () => {
  it('knows the commands of an image by name, also in a folder of the path, and no others', () => {
    const image = { command: ['/bin/node', 'proxy.js'], executables: { 'pilot-agent': ['/bin/node', 'proxy.js'] } };
    expect(resolveExecutable(image, ['pilot-agent', 'request', 'GET', 'stats'])).toEqual(['/bin/node', 'proxy.js', 'request', 'GET', 'stats']);
    expect(resolveExecutable(image, ['/usr/local/bin/pilot-agent', 'wait'])).toEqual(['/bin/node', 'proxy.js', 'wait']);
    expect(resolveExecutable(image, ['/opt/pilot-agent'])).toEqual(['/opt/pilot-agent']);
    expect(resolveExecutable(image, ['toString'])).toEqual(['toString']);
    expect(resolveExecutable({ command: ['x'] }, ['pilot-agent'])).toEqual(['pilot-agent']);
  });
});
