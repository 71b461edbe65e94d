package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/headgate/headgate/internal/api"
	"github.com/headgate/headgate/internal/api/apitest"
	"github.com/headgate/headgate/internal/testkit/leak"
)

func TestMain(m *testing.M) {
	api.SetChecked(func(t *testing.T, req *http.Request, rec *httptest.ResponseRecorder) {
		t.Helper()
		apitest.Answer(t, req, rec.Code, rec.Header(), rec.Body.Bytes())
	})
	leak.Main(m)
}
