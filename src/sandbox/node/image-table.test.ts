import { describe, expect, it } from 'vitest';
import { findImage, parseImage } from './image-table.ts';

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
