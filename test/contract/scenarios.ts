// Every scenario of the contract.
import type { Scenario } from './scenario.ts';
import { ACCESS_SCENARIOS } from './scenarios/access.ts';
import { ADMISSION_SCENARIOS } from './scenarios/admission.ts';
import { CONVERSION_SCENARIOS } from './scenarios/conversion.ts';
import { COORDINATION_SCENARIOS } from './scenarios/coordination.ts';
import { CUSTOM_RESOURCE_SCENARIOS } from './scenarios/custom-resources.ts';
import { DISCOVERY_SCENARIOS } from './scenarios/discovery.ts';
import { ENCODING_SCENARIOS } from './scenarios/encoding.ts';
import { KIND_SCENARIOS } from './scenarios/kinds.ts';
import { LIST_SCENARIOS } from './scenarios/lists.ts';
import { OBJECT_SCENARIOS } from './scenarios/objects.ts';
import { PATCH_SCENARIOS } from './scenarios/patches.ts';
import { REVIEW_SCENARIOS } from './scenarios/reviews.ts';

/** All of them, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  ...OBJECT_SCENARIOS, ...LIST_SCENARIOS, ...PATCH_SCENARIOS, ...CUSTOM_RESOURCE_SCENARIOS, ...KIND_SCENARIOS, ...ACCESS_SCENARIOS,
  ...ADMISSION_SCENARIOS, ...CONVERSION_SCENARIOS, ...DISCOVERY_SCENARIOS, ...ENCODING_SCENARIOS, ...COORDINATION_SCENARIOS, ...REVIEW_SCENARIOS,
];
