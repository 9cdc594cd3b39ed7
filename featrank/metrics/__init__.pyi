"""A metric's name is its declaration, not its module; made by write_metric_stub.py."""

from featrank.metrics._declaration import MOMENTS, SOURCE_PROBS, Metric
from featrank.metrics._description import LEFT_OUT, LEGEND, describe
from featrank.registry import Registry

__all__ = ["LEFT_OUT", "LEGEND", "METRICS", "MOMENTS", "SOURCE_PROBS", "Metric", "describe"]

METRICS: Registry[Metric]

cdnv: Metric
class_sep: Metric
coding_rate: Metric
fdr: Metric
gbc: Metric
gda: Metric
hscore: Metric
hscore_reg: Metric
knn: Metric
leep: Metric
linear: Metric
logme: Metric
logme_official: Metric
mahalanobis: Metric
nb: Metric
nb_quad: Metric
nc1: Metric
nce: Metric
ncm: Metric
ncm_fewshot: Metric
nleep: Metric
pactran: Metric
parc: Metric
ridge: Metric
sfda: Metric
snnl: Metric
spectrum: Metric
tmi: Metric
tmi_norm: Metric
tmi_var: Metric
transrate: Metric
v_info: Metric
vci: Metric
