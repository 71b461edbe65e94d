package doctor

import "cmp"

func configuration(s Setup) (findings []Finding) {
	name := cmp.Or(s.File, "the configuration (defaults and environment)")
	for _, mistake := range s.Invalid {
		findings = append(findings, fault("config-invalid", "Correct it; the gateway does not start like this. examples/headgate.yaml has every setting.", "%s", mistake))
	}
	for _, file := range s.Missing {
		findings = append(findings, fault("config-file-unreadable", "Put the file there, or let the user that runs the gateway read it.", "%s", file))
	}
	if len(findings) == 0 {
		findings = append(findings, ok("config-valid", "%s is fine.", name))
	}
	return findings
}
