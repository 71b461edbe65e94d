package pull

import (
	"net/http"
	"testing"

	"github.com/headgate/headgate/internal/testkit/leak"
)

func TestMain(m *testing.M) { leak.Main(m, http.DefaultClient.CloseIdleConnections) }
