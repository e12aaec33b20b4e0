package main

import (
	"context"
	"fmt"
	"net"

	"github.com/go-logr/logr"
	"go.uber.org/fx"
	discoveryv1 "k8s.io/api/discovery/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	controllermetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/chaos-mesh/chaos-mesh/cmd/chaos-controller-manager/provider"
	"github.com/chaos-mesh/chaos-mesh/controllers/chaosimpl/stresschaos"
	"github.com/chaos-mesh/chaos-mesh/controllers/chaosimpl/utils"
	"github.com/chaos-mesh/chaos-mesh/controllers/common"
	"github.com/chaos-mesh/chaos-mesh/controllers/config"
	"github.com/chaos-mesh/chaos-mesh/controllers/utils/chaosdaemon"
	"github.com/chaos-mesh/chaos-mesh/controllers/utils/recorder"
	"github.com/chaos-mesh/chaos-mesh/pkg/log"
	"github.com/chaos-mesh/chaos-mesh/pkg/metrics"
	"github.com/chaos-mesh/chaos-mesh/pkg/selector"
)

// run is the controller manager with the StressChaos controller alone; it ends with SIGTERM.
func run(behaviour, stressor string) {
	port, err := serveDaemon(behaviour, stressor)
	if err != nil {
		fail(err)
	}
	config.ControllerCfg.ChaosDaemonPort = port
	root, err := log.NewDefaultZapLogger()
	if err != nil {
		fail(err)
	}
	log.ReplaceGlobals(root)
	ctrl.SetLogger(root)
	app := fx.New(
		fx.NopLogger,
		fx.Supply(controllermetrics.Registry, root),
		fx.Provide(
			metrics.NewChaosControllerManagerMetricsCollector,
			provider.NewOption, provider.NewClient, provider.NewManager, provider.NewScheme,
			provider.NewConfig, provider.NewNoCacheReader,
			recorder.NewRecorderBuilder,
			common.AllSteps,
			daemonsOnThisMachine,
		),
		selector.Module,
		stresschaos.Module,
		utils.Module,
		fx.Invoke(common.Bootstrap),
		fx.Invoke(manage),
	)
	if app.Err() != nil {
		fail(app.Err())
	}
}

func manage(manager ctrl.Manager, logger logr.Logger) error {
	fmt.Println("ready")
	return manager.Start(ctrl.SetupSignalHandler())
}

// daemonsOnThisMachine finds the daemon of any node on loopback, where the stand-in is.
func daemonsOnThisMachine(manager ctrl.Manager) *chaosdaemon.ChaosDaemonClientBuilder {
	return &chaosdaemon.ChaosDaemonClientBuilder{Reader: everyNode{manager.GetAPIReader()}}
}

type everyNode struct{ client.Reader }

func (r everyNode) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	slices, ok := list.(*discoveryv1.EndpointSliceList)
	if !ok {
		return r.Reader.List(ctx, list, opts...)
	}
	node := nodeName
	found := discoveryv1.EndpointSlice{}
	found.Name = "chaos-daemon-stand-in"
	found.Endpoints = []discoveryv1.Endpoint{
		{Addresses: []string{net.IPv4(127, 0, 0, 1).String()}, NodeName: &node},
	}
	slices.Items = []discoveryv1.EndpointSlice{found}
	return nil
}

// nodeName is the test cluster's only node.
const nodeName = "node1"
