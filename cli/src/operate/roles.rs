//! The roles of a deployment: the workers', and that of the gateways of each platform.

use bus::Role;

use super::Connected;

impl Connected {
    /// Those that the settings know.
    pub(super) fn roles(&self) -> Vec<Role> {
        let platforms = self.settings.platforms.iter().map(|platform| Role::Outbound(platform.name.clone()));
        std::iter::once(Role::Inbound).chain(platforms).collect()
    }
}
