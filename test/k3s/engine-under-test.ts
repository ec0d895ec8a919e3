// What the ring's runner found out before the tests: the folder of image archives, and whether k3s can be had.

/** Folder of the archives that the runner built and loaded into the engine. */
export const IMAGE_FOLDER_VARIABLE = 'MIZZEN_K3S_IMAGES';
/** The image of k3s where it could be pulled; empty where not. */
export const K3S_IMAGE_VARIABLE = 'MIZZEN_K3S_IMAGE';

/** Images of the project that the tests run by themselves; the smoke loads all of them into k3s. */
export const ENGINE_IMAGES = ['mizzen-proxy', 'httpbin', 'test-tools'] as const;
