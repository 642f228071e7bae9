/** Codes of errors, what they mean, and what to do; {message}, {region} and the like are filled in. */
export type Explanation = readonly [codes: readonly string[], why: string, hint: string];

const otherZone = "or a `subnet` of another zone, in verify_instance in targets.d";

/** What keeps an instance from being started. */
export const instanceFailures: readonly Explanation[] = [
  [
    ["VcpuLimitExceeded", "InstanceLimitExceeded"],
    "the account may run no more instances in {region} ({message})",
    "End some, set a smaller `type` in verify_instance in targets.d, or ask AWS for more: Service Quotas, " +
    "Running On-Demand instances.",
  ],
  [
    ["InsufficientInstanceCapacity", "InsufficientHostCapacity"],
    "AWS has no room for such an instance just now ({message})",
    `Try it again later, or set another \`type\`, ${otherZone}.`,
  ],
  [
    ["Unsupported", "InvalidInstanceType"],
    "there is no such instance in that zone, or not of this image ({message})",
    `Set another \`type\`, ${otherZone}. What {region} has: aws ec2 describe-instance-type-offerings ` +
    "--location-type availability-zone --region {region}",
  ],
  [
    ["InvalidSubnetID.NotFound", "InvalidSubnetId.NotFound", "InvalidSubnetID.Malformed"],
    "{region} has no subnet {subnet}",
    "Set the `subnet` of verify_instance in targets.d to one of: aws ec2 describe-subnets --region {region}",
  ],
  [
    ["InvalidGroup.NotFound", "InvalidGroupId.Malformed", "InvalidSecurityGroupID.NotFound"],
    "{region} has no security group {group}, or it is not in the network of {subnet}",
    "Set the `security_group` of verify_instance in targets.d to one of: " +
    "aws ec2 describe-security-groups --region {region}",
  ],
  [
    ["InsufficientFreeAddressesInSubnet"],
    "the subnet {subnet} has no free address",
    "Set another `subnet` in verify_instance in targets.d, or end what it is full of.",
  ],
  [
    ["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"],
    "the AMI is gone or cannot be launched ({message})",
    "Deploy the image again.",
  ],
];
