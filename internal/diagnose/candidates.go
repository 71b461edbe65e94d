package diagnose

import "strings"

// Count adds the values of a=candidate lines. What can't be read is left out.
func (c *Candidates) Count(lines []string) {
	for _, line := range lines {
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		if strings.EqualFold(f[2], "tcp") {
			c.TCP++
		}
		switch {
		case strings.HasSuffix(strings.ToLower(f[4]), ".local"):
			c.Hidden++
		case f[7] == "host":
			c.Host++
		case f[7] == "srflx" || f[7] == "prflx":
			c.Reflexive++
		case f[7] == "relay":
			c.Relay++
		}
	}
}

func (c Candidates) total() int { return c.Host + c.Reflexive + c.Relay + c.Hidden }
