// What the sandbox's node preloads into each container's process, as a bundle of its own.
import '../sandbox/container-view/index.ts';
