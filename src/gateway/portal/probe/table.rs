//! The probes of each maker and what their hosts answer to a device that is online.

/// A probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Whose devices ask.
    pub vendor: &'static str,
    /// Hosts asked.
    pub hosts: &'static [&'static str],
    /// Paths asked.
    pub paths: &'static [&'static str],
    /// Status of the answer.
    pub status: u16,
    /// Its type.
    pub content_type: &'static str,
    /// A header that is looked at.
    pub header: Option<(&'static str, &'static str)>,
    /// Its body.
    pub body: &'static str,
}

const BLANK: Probe = Probe {
    vendor: "",
    hosts: &[],
    paths: &[],
    status: 200,
    content_type: "text/plain",
    header: None,
    body: "",
};

/// The marker that a Kindle looks for in the page.
const KINDLE: &str = "<!DOCTYPE html><html><head><title>Kindle Reachability Probe Page</title></head><body><!--81ce4465-7167-4dcb-835b-dcc9e44c112a created with python 2.5 uuid.uuid4()--></body></html>";

/// All probes we know.
pub const PROBES: &[Probe] = &[
    Probe {
        vendor: "iOS, macOS",
        hosts: &[
            "captive.apple.com",
            "www.apple.com",
            "www.appleiphonecell.com",
            "www.itools.info",
            "www.ibook.info",
            "www.airport.us",
            "www.thinkdifferent.us",
        ],
        paths: &["/hotspot-detect.html", "/library/test/success.html"],
        content_type: "text/html",
        body: "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>",
        ..BLANK
    },
    Probe {
        vendor: "iOS, macOS",
        hosts: &["captive.apple.com"],
        paths: &["/"],
        content_type: "text/html",
        body: "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>",
        ..BLANK
    },
    Probe {
        vendor: "Android, ChromeOS",
        hosts: &[
            "connectivitycheck.gstatic.com",
            "connectivitycheck.android.com",
            "clients1.google.com",
            "clients3.google.com",
            "play.googleapis.com",
            "www.google.com",
            "www.gstatic.com",
        ],
        paths: &["/generate_204", "/gen_204"],
        status: 204,
        ..BLANK
    },
    Probe {
        vendor: "Windows",
        hosts: &["www.msftconnecttest.com", "ipv6.msftconnecttest.com"],
        paths: &["/connecttest.txt"],
        body: "Microsoft Connect Test",
        ..BLANK
    },
    Probe {
        vendor: "Windows",
        hosts: &["www.msftncsi.com", "ipv6.msftncsi.com"],
        paths: &["/ncsi.txt"],
        body: "Microsoft NCSI",
        ..BLANK
    },
    Probe {
        vendor: "Firefox",
        hosts: &["detectportal.firefox.com"],
        paths: &["/canonical.html"],
        content_type: "text/html",
        body: "<meta http-equiv=\"refresh\" content=\"0;url=https://support.mozilla.org/kb/captive-portal\"/>",
        ..BLANK
    },
    Probe {
        vendor: "Firefox",
        hosts: &["detectportal.firefox.com"],
        paths: &["/success.txt"],
        body: "success\n",
        ..BLANK
    },
    Probe {
        vendor: "NetworkManager",
        hosts: &["nmcheck.gnome.org", "network-test.debian.org", "ping.archlinux.org"],
        paths: &["/check_network_status.txt", "/nm", "/nm-check.txt"],
        header: Some(("X-NetworkManager-Status", "online")),
        body: "NetworkManager is online\n",
        ..BLANK
    },
    Probe {
        vendor: "NetworkManager",
        hosts: &["connectivity-check.ubuntu.com"],
        paths: &["/"],
        status: 204,
        header: Some(("X-NetworkManager-Status", "online")),
        ..BLANK
    },
    Probe {
        vendor: "NetworkManager",
        hosts: &["fedoraproject.org", "www.fedoraproject.org"],
        paths: &["/static/hotspot.txt"],
        body: "OK",
        ..BLANK
    },
    Probe { vendor: "KDE", hosts: &["networkcheck.kde.org"], paths: &["/"], body: "OK\n", ..BLANK },
    Probe {
        vendor: "Kindle",
        hosts: &["spectrum.s3.amazonaws.com"],
        paths: &["/kindle-wifi/wifistub.html"],
        content_type: "text/html",
        body: KINDLE,
        ..BLANK
    },
];

/// Which probe in [`PROBES`] has this host (a port is ignored) and path.
pub fn find(host: &str, path: &str) -> Option<usize> {
    let name = host.split(':').next().unwrap_or_default();
    PROBES.iter().position(|probe| {
        probe.hosts.iter().any(|h| h.eq_ignore_ascii_case(name)) && probe.paths.contains(&path)
    })
}
