//! What the enforcer keeps of root.

use caps::{CapSet, Capability, CapsHashSet, errors::CapsError};

/// Rules, queues and isolation; DHCP's raw socket; ports 53 and 67; and what dnsmasq needs to become its own
/// user, own its files and be ended again.
const KEPT: [Capability; 7] = [
    Capability::CAP_NET_ADMIN,
    Capability::CAP_NET_RAW,
    Capability::CAP_NET_BIND_SERVICE,
    Capability::CAP_SETUID,
    Capability::CAP_SETGID,
    Capability::CAP_CHOWN,
    Capability::CAP_KILL,
];

/// Gives up everything else, for itself and for every tool that it runs.
///
/// # Errors
/// When the kernel refuses, for example because a capability to keep is not there.
pub fn drop() -> Result<(), CapsError> {
    let kept: CapsHashSet = KEPT.into_iter().collect();
    for capability in caps::all().difference(&kept).copied().collect::<Vec<_>>() {
        // The bounding set first: changing it takes CAP_SETPCAP, which goes too. A capability that this kernel
        // does not know cannot be kept either.
        if caps::has_cap(None, CapSet::Bounding, capability).unwrap_or(false) {
            caps::drop(None, CapSet::Bounding, capability)?;
        }
    }
    let permitted = caps::read(None, CapSet::Permitted)?;
    let left: CapsHashSet = permitted.intersection(&kept).copied().collect();
    caps::set(None, CapSet::Effective, &left)?;
    caps::set(None, CapSet::Permitted, &left)?;
    caps::set(None, CapSet::Inheritable, &CapsHashSet::new())
}
