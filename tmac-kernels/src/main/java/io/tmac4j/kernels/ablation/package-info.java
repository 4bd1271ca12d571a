/**
 * What each optimisation of T-MAC (arXiv 2407.00088) brings: one mpGEMV over bit planes, groups of four weights and tables of 16
 * entries, in variants that differ by one optimisation each. Made to be measured; models never run on it.
 */
package io.tmac4j.kernels.ablation;
