// GatewayClasses: those that name our controller are ours; their status tells that we serve them and which features we have.
import type { GatewayClass } from '../../shared/api/gateway-api/gateway-class.ts';
import type { GatewayApiStatus } from './binding-types.ts';
import { condition } from './conditions.ts';
import { SUPPORTED_FEATURES } from './features.ts';
import { CONTROLLER_NAME } from './names.ts';

/** The classes that our controller serves. */
export function ownClasses(classes: readonly GatewayClass[]): readonly GatewayClass[] {
  return classes.filter(({ spec }) => spec.controllerName === CONTROLLER_NAME);
}

/** The status of a class of ours. `bundleVersion` is that of the installed definitions. */
export function gatewayClassStatus({ metadata, spec }: GatewayClass, bundleVersion: string | undefined): GatewayApiStatus {
  const generation = metadata.generation ?? 0;
  const readable = bundleVersion === undefined || /^v1\.\d+\.\d+/.test(bundleVersion);
  return {
    kind: 'GatewayClass',
    namespace: '',
    name: metadata.name,
    generation,
    status: {
      conditions: [
        spec.parametersRef
          ? condition('Accepted', false, 'InvalidParameters', 'Parameters of a class are not supported. Remove spec.parametersRef.', generation)
          : condition('Accepted', true, 'Accepted', 'Gateways of this class are served.', generation),
        readable
          ? condition('SupportedVersion', true, 'SupportedVersion', 'The installed Gateway API definitions are supported.', generation)
          : condition('SupportedVersion', false, 'UnsupportedVersion', `The installed Gateway API definitions are of ${bundleVersion}. Install the standard channel of release 1.6.`, generation),
      ],
      supportedFeatures: SUPPORTED_FEATURES.map((name) => ({ name })),
    },
  };
}
