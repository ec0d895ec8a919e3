// Capture on the plugin's request.
export { captureNamespace, CaptureService, type CaptureServiceOptions } from './capture-service.ts';
