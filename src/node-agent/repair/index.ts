// Repair of pods that started without capture.
export { PodRepair, type PodRepairOptions } from './pod-repair.ts';
