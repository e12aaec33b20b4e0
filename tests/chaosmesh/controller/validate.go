package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
)

// validate runs the webhook's defaults and rules over one object.
func validate(in io.Reader) {
	var chaos v1alpha1.StressChaos
	if err := json.NewDecoder(in).Decode(&chaos); err != nil {
		fail(err)
	}
	ctx := context.Background()
	if err := chaos.Default(ctx, &chaos); err != nil {
		fail(err)
	}
	if _, err := chaos.ValidateCreate(ctx, &chaos); err != nil {
		fail(err)
	}
	said, err := json.Marshal(chaos.Spec)
	if err != nil {
		fail(err)
	}
	fmt.Println(string(said))
}
