//! The roles of a deployment: the workers', and that of the gateways of each platform.

use bus::Role;

use super::Connected;

impl Connected {
    /// Those that the settings know, those of plain streams among them.
    pub(super) fn roles(&self) -> Vec<Role> {
        let platforms = self.settings.platforms.iter().map(|platform| Role::Outbound(platform.name.clone()));
        let sharded: Vec<Role> = std::iter::once(Role::Inbound).chain(platforms).collect();
        let plain: Vec<Role> =
            sharded.iter().filter(|_| self.bus.names().has_plain_streams()).map(Role::plain).collect();
        sharded.into_iter().chain(plain).collect()
    }
}
